"""Requests to the Inngest API, as flows."""
