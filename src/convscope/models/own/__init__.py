"""A person's own network, as a card that the catalogue's functions take: a class, a function or an instance."""

from .network import own_card
from .outputs import read_logits, reads_logits
from .source import is_own, is_source, same_file, source_name

__all__ = ["is_own", "is_source", "own_card", "read_logits", "reads_logits", "same_file", "source_name"]
