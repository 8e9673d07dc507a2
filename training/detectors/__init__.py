"""Planted detectors: small networks that learnt to find the objects of planted scenes."""
