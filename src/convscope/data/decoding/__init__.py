"""Decode the images of a split once and keep the pixels in memory or in the cache, or decode them in every epoch."""
