"""What may change in any release: this namespace is not covered by semantic versioning."""
