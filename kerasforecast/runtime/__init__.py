"""The process and its disk: backend, determinism, files, names, locks, signals, memory. It knows of no forecasting."""
