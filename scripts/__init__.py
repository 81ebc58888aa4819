"""Scripts for whoever works on ConvScope; none is part of the package."""
