"""From a transport's request to its response, without a framework."""
