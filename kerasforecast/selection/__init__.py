"""`--model auto`: networks of all families tried on validation, the best of them joined in one model.

`candidates` has the families propose, `rounds` trains them, the small ones first, and drops losers early, `judging`
scores them in raw units, `weights` finds their shares, `choose` puts it together. What a search tries
(`kerasforecast.tuning`) and what samples paths may be judged by the same `judging`.
"""
