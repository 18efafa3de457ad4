"""Simulated time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable
from random import Random


class Events:
    """Calls to come, by time in seconds; ties in the order in which they were entered."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def at(self, time: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (max(time, self.now), next(self._order), call))

    def run(self) -> None:
        """Until nothing more happens."""
        while self._heap:
            self.now, _, call = heapq.heappop(self._heap)
            call()


class Channel:
    """One direction of a connection: in order, each message late by something random."""

    def __init__(self, events: Events, random: Random, shortest: float, longest: float) -> None:
        self._events = events
        self._random = random
        self._range = (shortest, longest)
        self._last = 0.0

    def send(self, deliver: Callable[[], None], ready: float = 0.0) -> None:
        """Deliver after the channel's delay, counted from now or from ``ready`` if that is later."""
        arrival = max(self._events.now, ready) + self._random.uniform(*self._range)
        self._last = max(self._last, arrival)
        self._events.at(self._last, deliver)
