"""The replay engine. Pure: no I/O, no clock, no threads, no user code."""
