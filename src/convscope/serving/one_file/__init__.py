"""The page as one HTML file that needs no server: the page's own files, a network for its engine, and pictures."""

from .share import Shared, share

__all__ = ["Shared", "share"]
