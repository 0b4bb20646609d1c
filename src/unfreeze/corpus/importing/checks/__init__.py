"""Checks that all data go through on their way into a corpus: units, clocks, conditions, and frames one by one."""
