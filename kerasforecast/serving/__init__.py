"""A model at work: over HTTP, and whether it still is what its test said."""
