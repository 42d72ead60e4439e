"""Storing files that come from a browser in slices, or from the server's own disk."""
