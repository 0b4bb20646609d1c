"""Is a simulation sound: checks of every segment as it lands, and convergence within a run and over replicas."""
