"""One training step of five networks, timed side by side: `python -m benchmarks`."""
