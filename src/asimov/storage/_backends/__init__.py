"""Back ends: the places where a Store can be. The protocol that operations use, and its implementations."""
