"""The command line, installed as the package `kerasforecast_cli`."""
