"""Models by their names in hubs."""
