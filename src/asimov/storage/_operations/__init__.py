"""What is done to a Store, wherever it lies."""
