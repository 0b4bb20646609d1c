"""Read ensembles and trajectories as people have them."""
