"""The page and the HTTP API: a classifier behind 127.0.0.1."""
