"""The middleware contract, and the stack that runs it."""
