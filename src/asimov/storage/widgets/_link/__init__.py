"""The base of every widget: its class, the messages of its pages, and work in threads with its progress."""
