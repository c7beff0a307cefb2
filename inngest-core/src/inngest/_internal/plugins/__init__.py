"""Discovery of plugins through entry points."""
