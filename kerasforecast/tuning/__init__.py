"""Better options than the defaults, chosen on validation: train, read the curves, adjust, repeat.

space      what may be tried: stages of values, and ranges for a search
ground     the rows that trials see, all of them before the test part
attempt    one training on them, with its curves and its error on validation
store      attempts on disk, each file whole or absent
readings   what the reading of curves suggests for an option, and whether the numbers agree
record     what a study leaves
staged     stage after stage, each keeping its winner
search     Optuna proposes, within bounds
final      the winner and the untuned default on the test part, once
figures, page   what it looks like
kept       its files, and its page again from them
study      what a user holds
"""
