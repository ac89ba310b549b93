"""Honest forecasting with portable Keras 3 models. Importing this package imports neither Keras nor pandas."""

__version__ = "0.1.0"
