"""Opening a model at the layers: the code shared by all frameworks."""
