"""From a transport's request to its response, independent of web frameworks."""
