"""The line from a picture to its explanation."""
