"""Functions: handlers, triggers, flow control, and registration."""
