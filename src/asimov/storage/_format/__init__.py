"""The text on disk: manifests and entries, parsed and written. Nothing here does input or output."""
