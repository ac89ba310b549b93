"""A raw table, wherever it lies, to columns of dates and numbers."""
