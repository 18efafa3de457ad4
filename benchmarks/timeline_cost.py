"""What the timeline costs: microseconds per block that ends no frame, and per frame of a group.

    python benchmarks/timeline_cost.py [--json]

Times are the best of several rounds, since the machine may be busy with other things.
"""

from __future__ import annotations

import json
import sys
import time
from uuid import UUID

from hybridmix.timeline import HOPS_PER_FRAME, Timeline

RATE = 48_000
FRAME = RATE // 20
HOP = FRAME // HOPS_PER_FRAME
SECONDS = 10
ROUNDS = 5


def one_pass(members: int) -> tuple[float, float]:
    """Seconds per block that ends no frame, and per frame (its ending blocks, rows and answers), live."""
    timeline = Timeline(FRAME, RATE)
    ids = [UUID(int=number + 1) for number in range(members)]
    for member in ids:
        timeline.register(member, 0)
    within = ending = 0.0
    for hop in range(100 * SECONDS):
        begun = time.perf_counter()
        for member in ids:
            timeline.deliver(
                member,
                1,
                hop * HOP,
                HOP,
                begin=hop == 0,
                start=hop == 0,
                playing=True,
                sync=False,
                gap=False,
                delay=1920,
                lead=512,
                now=hop * 0.01,
            )
        took = time.perf_counter() - begun
        if hop % HOPS_PER_FRAME == HOPS_PER_FRAME - 1:
            ending += took
        else:
            within += took
    frames = 20 * SECONDS
    if timeline.counters.frames != frames:
        raise SystemExit(f"{timeline.counters.frames} frames computed, expected {frames}")
    return within / (members * frames * (HOPS_PER_FRAME - 1)), ending / frames


def main() -> None:
    results = []
    for members in (1, 8, 16, 32, 64, 128):
        rounds = [one_pass(members) for _ in range(ROUNDS)]
        block, frame = min(within for within, _ in rounds), min(ending for _, ending in rounds)
        share = 20 * frame + 80 * members * block
        results.append(
            {"members": members, "us_per_block": block * 1e6, "us_per_frame": frame * 1e6, "live_cpu": share}
        )
    if "--json" in sys.argv[1:]:
        print(json.dumps(results))
        return
    print("members  us/block  us/frame  share of a core, live")
    for row in results:
        print(
            f"{row['members']:7d}  {row['us_per_block']:8.2f}  {row['us_per_frame']:8.1f}  {row['live_cpu']:.2%}"
        )


if __name__ == "__main__":
    main()
