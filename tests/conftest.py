"""What holds for every test."""

from __future__ import annotations

import os

# Before anything imports numpy or torch, as in the service: threads that wait for each other over small products take
# a hundred times as long on a busy machine.
for library in ("OPENBLAS", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
