"""`kerasforecast explain`: why a forecast is what it is, what a model makes of its data, and what goes on inside it.

asked        how a model is asked to explain itself
explanation  how an explanation is made, and written
findings     what is found: its lines, numbers and table
origin       which forecast: a series, its last known row, and what the network is given there
path         integrated gradients from the flat window, as many evaluations as completeness takes
why          the difference from the naive forecast, split over moves or rows of the past and over covariates
whatif       forecasts where the columns known ahead are others
reach        how far back a model looks: its error where what is older is flattened
cells        recurrent cells in NumPy: every gate and state at every row
inside       gates and states of a recurrent model, half-lives, and stretches where its states looked alike
attention    what each patch of a Transformer attends to
memory       how gradients vanish on the way into the past, and a task that shows it: `--memory`
page         the one offline page of an explanation; explain.js and explain.css are in it
  drawings   its charts and what its script draws, as arrays
"""
