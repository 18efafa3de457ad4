"""Every error that a user can see.

    HybridMixError          exit code 1: something failed
    ├── InputError          exit code 2: what the user gave cannot be used
    └── DegradedError       exit code 3: there is a result, but not the full one

A message names the thing, the value, what was expected and the fix, in that order, in one or two
sentences. Nothing else in the package prints a traceback at a user.
"""

from __future__ import annotations

__all__ = ["DegradedError", "HybridMixError", "InputError"]


class HybridMixError(Exception):
    """Something failed; ``exit_code`` is what the command line ends with."""

    exit_code = 1


class InputError(HybridMixError):
    """What the user gave (file, field, value, option) cannot be used."""

    exit_code = 2


class DegradedError(HybridMixError):
    """A result exists and was kept, but it is not the complete one."""

    exit_code = 3
