"""What a model must beat: simple rules, what they learn from a history, classical models."""
