"""Scores of arrays: points, distributions, and whether a difference is luck."""
