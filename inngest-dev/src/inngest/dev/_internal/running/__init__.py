"""The running engine: it takes from the queue what is due, has it done, and stores the outcome."""
