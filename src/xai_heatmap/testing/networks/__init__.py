"""Small networks whose right answer is known."""
