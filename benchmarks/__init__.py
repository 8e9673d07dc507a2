"""How long an explanation takes beside a bare forward pass, and beside the peers: see README.md."""
