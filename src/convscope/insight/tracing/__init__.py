"""One forward pass of any module, recorded as a graph of operations."""
