"""The messages on the wire, as the compiler wrote them. Regenerate with scripts/messages.py."""
