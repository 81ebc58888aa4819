"""Heat maps: how much each pixel speaks for a class, one file per method (`attribute.py` chooses among them)."""
