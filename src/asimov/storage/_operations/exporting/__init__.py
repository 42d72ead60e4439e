"""Exporting: a tree of a Store's files, by their names, for people and programs that don't have this package."""
