"""Sources of pictures, and their preprocessing."""
