"""What the networks share: their cards, layers, public weights, variations."""
