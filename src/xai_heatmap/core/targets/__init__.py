"""Targets: which number of the scores is explained."""
