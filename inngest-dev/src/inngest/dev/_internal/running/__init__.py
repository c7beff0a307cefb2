"""The running engine: take due items from the queue, execute them, store the outcomes."""
