"""``python -m hybridmix.plan.worker RATE``: the record of a pass in, a line of JSON per member out, in their order.

A process of its own: what takes seconds of computing must not share an interpreter with a loop that answers live.
"""

from __future__ import annotations

import os
import sys

import numpy as np

from hybridmix.plan.passing import RECORD, plans

__all__ = ["main"]

#: Whatever plays comes first.
_NICE = 10


def main() -> None:
    """Read records from standard input, write plans to standard output."""
    os.nice(_NICE)
    records = np.frombuffer(sys.stdin.buffer.read(), RECORD)
    made = plans(records, int(sys.argv[1]))
    for member in range(max(made) + 1):
        sys.stdout.buffer.write(made.get(member, b"") + b"\n")


if __name__ == "__main__":
    main()
