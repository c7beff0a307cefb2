"""The dashboard: pages, what they ask for, and who may ask."""
