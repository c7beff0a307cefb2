"""Which runs start and which calls are made, and when: limits, keys, batches. Pure."""
