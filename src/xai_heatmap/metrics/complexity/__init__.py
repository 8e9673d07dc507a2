"""Metrics of a map alone: how few places hold it, and how smooth it is."""
