"""The files of a folder: opened, placed, replaced and locked as POSIX allows. Nothing here knows a Store."""
