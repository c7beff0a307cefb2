"""The wire format. Pure."""
