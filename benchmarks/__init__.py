"""Training steps of small networks, timed side by side: `python -m benchmarks`."""
