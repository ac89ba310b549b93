"""What needs an extra of the package."""
