"""A folder's files: open, place, replace and lock them as POSIX allows. Nothing here knows a Store."""
