"""A Store that is published on the web: a folder, a flat list of files, or a zip archive. It can only be read."""
