"""Benchmarks: each answers one question with a command, n and a deviation; LOG.md keeps what was tried."""
