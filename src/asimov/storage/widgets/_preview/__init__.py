"""What is in a file, at a glance: one module for each kind."""
