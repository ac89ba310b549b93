"""From a table, wherever it lies, to a valid `Series`."""
