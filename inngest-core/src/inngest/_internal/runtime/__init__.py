"""The only place that performs I/O: two drivers for flows, and what they drive with."""
