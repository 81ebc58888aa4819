"""LeNet in plain NumPy, with every gradient written out. It imports nothing from the other packages."""
