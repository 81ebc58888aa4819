"""What a training computes on: device, precision, memory layout, and layers that are quick on a CPU."""
