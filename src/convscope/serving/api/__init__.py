"""The HTTP API for programs: predictions, batching, metrics, the Open Inference Protocol. Nothing in it needs torch."""
