"""`python -m kerasforecast`: the command, where its script is not on the path."""

from kerasforecast_cli.__main__ import main

if __name__ == "__main__":
    main()
