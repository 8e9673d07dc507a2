"""Checks of a network on its own pictures: what each gives of one picture, in plain numbers."""
