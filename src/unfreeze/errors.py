"""The exceptions that reach a user, and the exit codes that go with them.

A message names the file, the line or residue, what was found, what was expected and what to do.
Anything else that escapes is our own fault and ends with exit code 1.
"""

__all__ = ["InputError", "UnfreezeError"]


class UnfreezeError(Exception):
    """Base class of the errors that this package raises on purpose (exit code 1)."""

    exit_code = 1


class InputError(UnfreezeError, ValueError):
    """The user's input cannot be used as it is: a file, an option, a selection (exit code 2)."""

    exit_code = 2
