"""Boxes of detectors: how they are told, read and compared."""
