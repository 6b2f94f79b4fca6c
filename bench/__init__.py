"""Benchmarks anyone can run: each prints its baseline in the same run; quote ratios only."""
