"""Private parts of the core, which may change in any release."""
