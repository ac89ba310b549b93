"""The process and its disk: backend, files, locks, signals, memory. Nothing here knows of forecasting."""
