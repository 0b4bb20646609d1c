"""The learned model: what it sees of a complex, its network, the elasticity and the flow that it makes."""
