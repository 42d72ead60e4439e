"""One file out of a Store: fetched, shown, and downloaded to the user's own disk."""
