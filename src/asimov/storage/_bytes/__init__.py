"""Bytes on their way: digests, progress and threads. Nothing here knows a Store."""
