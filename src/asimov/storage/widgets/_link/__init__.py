"""What every widget stands on: the base class, the messages of its pages, work in threads and how far it is."""
