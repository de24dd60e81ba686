"""Measures the server beside others on one machine, in one run, against the targets in docs/performance.md."""
