"""The recipe of a training: its options, their defaults, and the recipes that ship with the package."""
