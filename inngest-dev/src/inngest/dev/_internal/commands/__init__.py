"""What `python -m inngest` can do with an engine: run one, and ask one that runs."""
