"""The step faces that users hold, and the one flow behind all of them."""
