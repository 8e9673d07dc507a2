"""The web app: a server of pages that look at networks, on this machine alone unless told."""
