"""The same LeNet in plain NumPy, with every gradient written out. It imports nothing of the rest."""
