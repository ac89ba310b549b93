"""Finding the weights: the loop, what watches it, and the state it can go on from."""
