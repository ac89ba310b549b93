"""What people call from Python, and the command line too: fit, backtest, compare, load.

fit, backtest, compare    the public functions; their signatures are written from `kerasforecast.config`
loading                   open a model file
results                   what a backtest and a comparison give
options                   how an option that was given is told from one that was not
runs, walks               what a fit, and a backtest or comparison, does on the machine and its disk
progress                  what a person sees meanwhile

Nothing here imports Keras or pandas before it is needed.
"""
