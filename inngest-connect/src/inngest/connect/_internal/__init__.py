"""Private parts of the worker."""
