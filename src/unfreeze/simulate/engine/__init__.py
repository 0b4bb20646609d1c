"""Run one simulation so that nothing committed is ever lost: schedule, dynamics, and a store of committed frames."""
