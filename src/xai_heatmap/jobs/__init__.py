"""What a command is asked to do, and the words that it is asked in."""
