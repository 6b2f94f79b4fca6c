"""Hypothesis strategies that several rooms' tests use."""
