"""Sinks: the places where results go."""
