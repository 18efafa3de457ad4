"""Work that follows a render on a thread of its own: meters and files need not hold up the next block."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

__all__ = ["Behind"]

#: Blocks that may wait to be measured and written: the memory of an hour stays that of a moment.
_DEPTH = 16


class Behind:
    """Does what it is given, one after the other."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "hybridmix behind")
        self._waiting: deque[Future[None]] = deque()

    def do(self, work: Callable[[], None]) -> None:
        """Do ``work`` after all that was given before; waits where too much of it is left.

        Raises what an earlier piece of work raised.
        """
        self._waiting.append(self._thread.submit(work))
        if len(self._waiting) > _DEPTH:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait until everything is done. Raises what a piece of work raised."""
        while self._waiting:
            self._waiting.popleft().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)
