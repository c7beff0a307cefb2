"""Drivers call apps, gateways ask third parties: over HTTP, or in this process."""
