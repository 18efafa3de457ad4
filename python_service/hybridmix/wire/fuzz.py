"""``python -m hybridmix.wire.fuzz``: broken messages through the decoder, by the million.

Prints how many met which verdict and a digest of all verdicts; ``cargo run -p wire --release --example fuzz``
prints the same for the Rust decoder, and the digests must be equal. Ends with 1 where an exception other
than `WireError` escapes, or where decoding one message takes more memory than `MEMORY_BOUND`;
beside the generated messages, those of `hybridmix.wire.heavy` are measured, which cost the most.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator, Sequence

from hybridmix.wire import corpus
from hybridmix.wire.golden.files import NAMES, bases, read, verdicts
from hybridmix.wire.heavy import heaviest
from hybridmix.wire.verdict import judge

__all__ = ["MEMORY_BOUND", "main", "peak_memory"]

#: Most memory in bytes that decoding one message may take on top of the message.
MEMORY_BOUND = 8 << 20


def peak_memory(frames: Sequence[bytes]) -> int:
    """Most bytes that were allocated at once while one message was judged."""
    tracemalloc.start()
    try:
        judge(frames)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


class _Sampler:
    """Hands messages on and measures the memory that every n-th takes."""

    def __init__(self, messages: Iterable[Sequence[bytes]], every: int) -> None:
        self._messages = messages
        self._every = every
        self.peak = 0

    def __iter__(self) -> Iterator[Sequence[bytes]]:
        for index, frames in enumerate(self._messages):
            if index % self._every == 0:
                self.peak = max(self.peak, peak_memory(frames))
            yield frames


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m hybridmix.wire.fuzz", description=__doc__)
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--sample-every", type=int, default=100, help="measure the memory of every n-th message"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    start = time.perf_counter()
    generated = corpus.generate(bases(map(read, NAMES)), arguments.seed, arguments.messages)
    heavy = max(map(peak_memory, heaviest()))
    messages = _Sampler(generated, arguments.sample_every)
    counts, digest = verdicts(messages)
    result = {
        "messages": counts.total(),
        "seed": arguments.seed,
        "verdicts": dict(sorted(counts.items())),
        "verdicts_sha256": digest,
        "peak_bytes": messages.peak,
        "heaviest_bytes": heavy,
        "bound_bytes": MEMORY_BOUND,
        "seconds": round(time.perf_counter() - start, 1),
    }
    if arguments.json:
        print(json.dumps(result))
    else:
        for key, value in result.items():
            print(f"{key}: {value}")
    if (peak := max(messages.peak, heavy)) > MEMORY_BOUND:
        sys.exit(f"decoding took {peak} bytes; at most {MEMORY_BOUND} were expected")


if __name__ == "__main__":
    main()
