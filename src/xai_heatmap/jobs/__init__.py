"""Jobs: the work that commands are asked to do, and the words that it is asked in."""
