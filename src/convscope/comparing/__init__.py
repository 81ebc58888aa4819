"""Compare networks or recipes: train each with several seeds, and say by how much they differ."""
