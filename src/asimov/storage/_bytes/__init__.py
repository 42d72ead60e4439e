"""Bytes in transfer: digests, progress and threads. Nothing here knows a Store."""
