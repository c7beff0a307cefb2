"""The values of the engine, and what their parts look like: ids, durations, JSON. Pure."""
