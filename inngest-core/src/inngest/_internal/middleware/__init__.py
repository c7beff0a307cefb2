"""The middleware base classes, and the stack that runs the hooks."""
