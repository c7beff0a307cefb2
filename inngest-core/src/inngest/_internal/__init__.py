"""Private parts of the core. Nothing here is covered by the version number's promise."""
