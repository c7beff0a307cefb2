"""The client: its configuration, its functions, and the events that it sends."""
