"""The HTTP service and its page: predictions for programs, and every layer of a network for people."""
