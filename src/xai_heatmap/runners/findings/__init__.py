"""Findings: what lies under the heat of a class, and what happens where it is hidden or pasted."""
