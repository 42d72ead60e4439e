"""The kernel's side of the Explorer: the table of records, the requests of its pages, and the selection."""
