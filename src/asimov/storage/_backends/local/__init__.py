"""A Store on a disk: the commit protocol, whole."""
