"""Metrics of a map against the network: what its score does when places are changed."""
