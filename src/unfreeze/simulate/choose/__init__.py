"""Which systems to simulate next: what is not covered yet, and what is covered but has not settled. A heuristic."""
