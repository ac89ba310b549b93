"""Prices from Yahoo Finance, kept as snapshots."""
