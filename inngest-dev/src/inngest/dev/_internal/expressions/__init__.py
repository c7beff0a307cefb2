"""Expressions (CEL): read once, evaluated often. Pure."""
