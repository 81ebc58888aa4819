"""The loop: steps, epochs, the best epoch, optimizer, and what ends a training early."""
