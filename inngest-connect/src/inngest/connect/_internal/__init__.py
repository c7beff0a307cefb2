"""The private implementation of the worker."""
