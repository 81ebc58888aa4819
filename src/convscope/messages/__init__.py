"""The messages of the command in the user's language: `translate.py`, with the catalogue `zh.json`."""
