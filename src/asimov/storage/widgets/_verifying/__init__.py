"""A Store's files against the digests on record, in a thread."""
