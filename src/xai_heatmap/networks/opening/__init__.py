"""Opening a model at its layers: what all frameworks share."""
