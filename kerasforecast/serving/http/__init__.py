"""The server: only what is reached after the extra `serve` was found."""
