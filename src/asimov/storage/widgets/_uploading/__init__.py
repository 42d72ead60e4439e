"""Files into a Store: from a browser in slices, or from the server's own disk."""
