"""The only package that performs I/O: the two drivers of flows, and what they need."""
