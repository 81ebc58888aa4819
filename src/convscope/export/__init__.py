"""Networks in other forms: as a graph with one block of weights, for the page's own engine."""
