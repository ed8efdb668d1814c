"""Benchmarks: ``asv run`` for the kernels and the main job, ``python -m benchmarks.peers.<x>`` for comparisons side by side."""
