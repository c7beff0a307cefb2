"""Realtime: what is published reaches whoever listens, at once. Nothing is kept."""
