"""Audit of a network on a folder of pictures: resumed where it stopped, one page, one JSON."""
