"""What is shown of runs. Pure."""
