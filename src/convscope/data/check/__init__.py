"""Check a data set before training: what cannot be used, what is unusual, and what the network would see."""
