"""Private parts of the engine. Each folder is a room; docs/architecture.md lists them."""
