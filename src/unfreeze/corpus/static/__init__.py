"""Deposited and predicted structures as data: models, what their B-factors are worth, states of one sequence."""
