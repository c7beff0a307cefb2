"""Flow control: decide when runs start and calls are made. Pure."""
