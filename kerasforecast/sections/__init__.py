"""Every option of the package by section: its default, its bounds and its help, once."""
