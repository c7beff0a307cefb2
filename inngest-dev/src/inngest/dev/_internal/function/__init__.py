"""A registered function: its options, its triggers, and what is refused. Pure."""
