"""Values to JSON and back: strict text, and types that say what the values mean."""
