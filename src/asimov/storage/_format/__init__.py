"""The text on disk, without input or output: manifests and entries are read and written here."""
