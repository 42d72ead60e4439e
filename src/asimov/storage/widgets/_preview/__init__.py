"""Previews of files: one module per kind of file."""
