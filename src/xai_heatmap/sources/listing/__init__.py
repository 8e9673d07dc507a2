"""Listing of the pictures in a folder, a pattern, a manifest or an archive, one entry each."""
