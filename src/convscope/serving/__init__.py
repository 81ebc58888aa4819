"""The HTTP service and the page: predictions for programs, and every layer of a network for people."""
