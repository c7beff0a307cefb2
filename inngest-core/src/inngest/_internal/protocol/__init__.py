"""The wire format. Pure: bytes and values in, bytes and values out."""
