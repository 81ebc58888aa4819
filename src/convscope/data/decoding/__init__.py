"""Decoded images: in memory, in the cache, or streamed; each image decoded once."""
