"""Verifying the files of a Store against the digests on record, in a thread."""
