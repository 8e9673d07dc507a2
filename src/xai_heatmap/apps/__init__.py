"""Applications that people run: the command line."""
