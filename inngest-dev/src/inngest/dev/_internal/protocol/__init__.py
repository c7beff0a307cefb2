"""The wire: calls of apps and their answers, and events that are posted. Pure."""
