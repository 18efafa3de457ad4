"""A rehearsal of the frame that comes: the same code on an imaginary group, so that the caches hold it.

Code that rested for the 50 ms of a frame takes several times as long as code that just ran. A rehearsal
shortly before a frame is due moves that time to where nobody waits. It has a service, a group and state of
its own: nothing that it does can be heard or seen, or change a value.
"""

from __future__ import annotations

from uuid import UUID

import numpy as np

from hybridmix.engine.group import Engine
from hybridmix.engine.members import Registry
from hybridmix.engine.models import Models
from hybridmix.engine.peers import Gate, Peer
from hybridmix.engine.service import Service
from hybridmix.wire import Flags, Header, Kind, encode, join, messages

__all__ = ["Rehearsal"]

_RATE = 48000
_HOP = _RATE // 100
_FRAME = _RATE // 20
_DELAY_MS = 40
_PEER = b"rehearsal"
_SESSION = UUID(int=1)
_INSTANCES = (UUID(int=2), UUID(int=3))


class Rehearsal:
    """An imaginary connection with two instances that play for ever."""

    def __init__(self, models: Models) -> None:
        """``models`` are those of the service itself."""
        registry = Registry(lambda key: Engine(key[2], models))
        self._service = Service(Gate(""), registry, lambda *_: True, "", {}, dict)
        peer = self._service.peers[_PEER] = Peer(_PEER, 0.0, 0.0, proved=True)
        for handle, instance in enumerate(_INSTANCES):
            ask = messages.Join(handle, instance, _SESSION, 1, "", "", _RATE, 1, _DELAY_MS)
            joined = registry.join(_PEER, ask, _SESSION)
            assert joined is not None
            peer.members[instance] = joined[0]
        noise = np.random.default_rng(1).normal(0.0, 0.1, _FRAME).astype(np.float32)
        self._audio = noise[:-_HOP].tobytes(), noise[-_HOP:].tobytes()
        self._position = 0
        self._send(b"", Flags.RUN_BEGIN | Flags.START, 0.0)

    def play(self, now: float) -> None:
        """Go through one frame, as if it had arrived at ``now`` (monotonic seconds)."""
        for audio in self._audio:
            self._send(audio, 0, now)

    def _send(self, audio: bytes, flags: int, now: float) -> None:
        frames = len(audio) // 4
        blocks = [
            encode(
                Header(
                    Kind.BLOCK,
                    flags=flags,
                    instance=instance,
                    position=self._position,
                    frames=frames,
                    channels=1,
                    rate=_RATE,
                    group=1,
                    delay=_RATE * _DELAY_MS // 1000,
                    amount=1.0,
                ),
                audio,
            )
            for instance in _INSTANCES
        ]
        self._service.receive(_PEER, join(blocks), now)
        self._service.tick(now)
        self._position += frames
