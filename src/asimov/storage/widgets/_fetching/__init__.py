"""Fetching one file from a Store, showing it, and downloading it to the user's own disk."""
