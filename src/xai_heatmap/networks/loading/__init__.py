"""Models from files, factories and hubs."""
