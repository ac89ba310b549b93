"""Networks by name, a file each."""
