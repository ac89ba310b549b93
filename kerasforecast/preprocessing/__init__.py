"""A series to what a network is fed: split, windows, scaled units."""
