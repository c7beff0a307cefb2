"""Those who call apps, and third parties."""
