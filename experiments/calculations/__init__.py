"""Claims that need no training of minutes: counts, equalities and measurements of a network in seconds, as plans."""
