"""The step objects that user code calls, and the flow behind all of them."""
