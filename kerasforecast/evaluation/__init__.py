"""Honest judgement: scores beside the baselines', walks, comparisons."""
