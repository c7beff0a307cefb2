"""The engine's state in SQLite."""
