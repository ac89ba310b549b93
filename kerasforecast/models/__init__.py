"""Networks by family. Every network takes raw windows `past` `(B, L, F)`; scaling is inside.

A network is built in one of four roles from the same configuration, with layers of the same names and order; with a
quantile head `(B, H, K)` takes the place of `(B, H)`:

    training   raw windows -> scaled forecasts (B, H)   our layers, with the second bias vector where configured
    inference  raw windows -> raw forecasts (B, H)      our layers, biases merged
    sampling   raw windows -> raw forecasts (B, H)      as inference, with dropout on
    export     raw windows -> raw forecasts (B, H)      plain Keras' layers wherever it has them, what a file holds

A family that is sampled answers with paths `(B, S, H)`, which it makes of noise that lies within the network. In
training it is given what is drawn anew in each step. It has two roles more: `paths`, inference with the noise
`(B, S, H)` as an input, and `stages`, which answers with what the paths are before and after each step from noise.
"""
