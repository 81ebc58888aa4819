"""What the networks share: cards, layers, public weights, variations, heads and the backbone for detectors."""
