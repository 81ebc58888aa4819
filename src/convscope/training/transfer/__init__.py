"""Start from weights that were learned before: public ones, those of a run, and a last layer fitted to features."""
