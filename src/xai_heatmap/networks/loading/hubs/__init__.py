"""Models by the names that hubs give them."""
