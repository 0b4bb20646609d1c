"""The command line: one file a verb. It parses, calls and prints; there is no science here.

Everything heavy is imported inside the verbs, so that `unfreeze --help` answers at once.
"""
