"""Conversion of values to JSON and back: strict encoding, and codecs by type."""
