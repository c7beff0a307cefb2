"""Plugins: found in metadata, filtered by switches, loaded in isolation, served by a host."""
