"""What is said, logged and counted of messages that nothing can be done with."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence

from hybridmix.engine.logs import OncePerKind, event
from hybridmix.engine.peers import Peer, RefusalError, version_sentence
from hybridmix.wire import Kind, WireError
from hybridmix.wire import messages as m
from hybridmix.wire.limits import MAX_PACKETS, MIN_HEADER_SIZE

__all__ = ["Complaints"]

log = logging.getLogger(__name__)


class Complaints:
    """Each kind is logged once a minute and counted every time."""

    def __init__(self, counters: Counter[str], answer: Callable[[Peer, m.Control], None]) -> None:
        """``counters`` of the service; ``answer`` tells a peer something."""
        self._counters = counters
        self._answer = answer
        self._log_once = OncePerKind()

    def unexpected(self, peer: Peer, kind: Kind, now: float) -> None:
        """A message whose time it is not."""
        name = "messages unexpected" if peer.proved else "messages unproved"
        self._counters[name.replace(" ", "_")] += 1
        if self._log_once(f"{name} {kind.name}", now):
            log.warning(event(name, kind=kind.name, client=peer.client, pid=peer.pid))

    def bad_message(self, peer: Peer, frames: Sequence[bytes], error: WireError, now: float) -> int:
        """A message that is none. Returns how many BLOCKs it was meant to carry, whose credit is due."""
        if error.name == "unknown_kind":
            self._counters["messages_unknown"] += 1
            return 0
        if error.name == "version":
            self.refuse(peer, RefusalError("version", version_sentence(peer.client, _major(error))), now)
            return 0
        self._counters["messages_bad"] += 1
        kind = int.from_bytes(frames[0][8:10], "little") if frames and len(frames[0]) >= 10 else 0
        if peer.proved and kind == Kind.JOIN:
            self._answer(peer, m.Refuse("bad_message", f"JOIN was refused: {error}"))
        if self._log_once(f"bad {error.name}", now):
            log.warning(event("bad message", reason=error, kind=kind, client=peer.client, pid=peer.pid))
        return _packets(frames[0]) if peer.proved and kind == Kind.BLOCK else 0

    def refuse(self, peer: Peer, refusal: RefusalError, now: float) -> None:
        """Tell a peer what it cannot have."""
        self._counters[f"refused_{refusal.code}"] += 1
        if self._log_once(f"refused {refusal.code}", now):
            log.warning(
                event("peer refused", code=refusal.code, reason=refusal, client=peer.client, pid=peer.pid)
            )
        self._answer(peer, m.Refuse(refusal.code, str(refusal)))


def _major(error: WireError) -> int:
    return error.value if isinstance(error.value, int) else 0


def _packets(head: bytes) -> int:
    """How many BLOCKs a header frame, which may be broken, was meant to carry."""
    size = max(int.from_bytes(head[6:8], "little"), MIN_HEADER_SIZE)
    return min(max(1, len(head) // size), MAX_PACKETS)
