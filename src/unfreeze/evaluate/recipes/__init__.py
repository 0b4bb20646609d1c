"""Ready-made evaluations on public benchmarks: from their files to a list of targets."""
