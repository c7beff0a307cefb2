"""The client: configuration resolved once, events sent, functions declared."""
