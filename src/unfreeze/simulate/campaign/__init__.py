"""Many simulations as one piece of work: tasks known by their content, a ledger, and a pool of worker processes."""
