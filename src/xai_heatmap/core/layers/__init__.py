"""Layers: how outputs are read as feature maps on a grid, and which layers are meant."""
