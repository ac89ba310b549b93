"""The `.keras` file: written whole, read with suspicion."""
