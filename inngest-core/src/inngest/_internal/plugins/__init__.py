"""Plugins: discovery by metadata, selection by switches, and isolated loading."""
