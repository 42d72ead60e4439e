"""A Store on a disk: the whole commit protocol."""
