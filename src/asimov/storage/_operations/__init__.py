"""The operations on a Store, whichever back end it has."""
