"""Connections and their handshake: who may speak, and what is said before that.

    HELLO  (client nonce)            →
                                     ←  CHALLENGE  (service nonce, the service's proof)
    AUTH   (the client's proof)      →
                                     ←  WELCOME

Both nonces are fresh and used once, so a proof that was overheard is worth nothing. Until its proof was
verified a peer gets no answer but CHALLENGE and REFUSE.
"""

from __future__ import annotations

import dataclasses
from uuid import UUID

from hybridmix import __version__
from hybridmix.engine.members import Member
from hybridmix.engine.together import Together
from hybridmix.wire import messages, proof
from hybridmix.wire.limits import PROTOCOL

__all__ = ["MAX_PEERS", "Gate", "Peer", "RefusalError"]

#: Connections at a time, proved or not.
MAX_PEERS = 256


class RefusalError(Exception):
    """What the peer did is refused: ``code`` for REFUSE, and a sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(slots=True, eq=False)
class Peer:
    """One connection."""

    identity: bytes
    #: Monotonic seconds of the last message, and of the first one.
    heard: float
    since: float
    proved: bool = False
    client: str = ""
    pid: int = 0
    #: Nonces (client, service) of a handshake that waits for its AUTH.
    nonces: tuple[str, str] | None = None
    #: BLOCKs taken.
    taken: int = 0
    #: At most so many of them came from one instance since credit was given back.
    owed: int = 0
    members: dict[UUID, Member] = dataclasses.field(default_factory=dict)
    #: Session of its instances that have none of their own.
    session: UUID | None = None
    round_trip: messages.RoundTrip | None = None
    #: Members whose BLOCKs came together last.
    together: Together | None = None


class Gate:
    """Verifies peers with the token of this run of the service."""

    def __init__(self, token: str) -> None:
        """``token`` is the secret of the discovery file, in hex."""
        self._token = token

    def challenge(self, peer: Peer, hello: messages.Hello) -> messages.Challenge:
        """Answer HELLO; whatever the peer had proved before is void. Raises RefusalError."""
        peer.proved, peer.nonces = False, None
        if hello.protocol[0] != PROTOCOL[0]:
            raise RefusalError("version", version_sentence(hello.client, hello.protocol[0]))
        ours = proof.fresh()
        peer.nonces = (hello.nonce, ours)
        peer.client, peer.pid = hello.client, hello.pid
        return messages.Challenge(PROTOCOL, ours, proof.service(self._token, hello.nonce, ours))

    def verify(self, peer: Peer, auth: messages.Auth) -> None:
        """Take AUTH: the peer is proved from here on. Raises RefusalError."""
        nonces, peer.nonces = peer.nonces, None
        if nonces is None:
            raise RefusalError("auth", "AUTH came without a CHALLENGE of its own; expected HELLO first.")
        theirs, ours = nonces
        if not proof.matches(proof.client(self._token, ours, theirs), auth.proof):
            raise RefusalError(
                "auth", "the proof is wrong; expected one made with the token that service.json holds now."
            )
        peer.proved = True


def version_sentence(client: str, major: int) -> str:
    """What a peer of another major version is told."""
    ours = ".".join(map(str, PROTOCOL))
    return (
        f"{client or 'the client'} speaks protocol {major}, hybridmix {__version__} speaks {ours}; "
        "expected the same major version: install the plugin of this release with: hybridmix plugin install"
    )
