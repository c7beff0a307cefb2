"""Calls to the Inngest server, as flows that ask for I/O."""
