"""Where a Store lies: the protocol that operations use, and its implementations."""
