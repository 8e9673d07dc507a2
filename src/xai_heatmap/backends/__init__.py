"""The former name of `networks`, for scripts that import `load` from here."""
