"""The baseline: the same traffic between two bare pyzmq processes, without any of our code in between.

``python -m hybridmix.bench.echo ENDPOINT`` is the server; :func:`round_trips` is the client.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import zmq

from hybridmix.wire.limits import HEADER_SIZE

__all__ = ["round_trips"]

_HEADER = HEADER_SIZE
_REPLY = HEADER_SIZE + 16
_HOPS_PER_FRAME = 5


def round_trips(tracks: int, seconds: float, block: int, rate: int = 48000) -> list[float]:
    """Return the round-trip times in ms of every frame-ending message, at the cadence of ``block``.

    Each track sends a header and a stereo hop per 10 ms of audio, in bursts of a block's length; every
    fifth hop is answered, as a frame is.
    """
    hop = rate // 100
    with tempfile.TemporaryDirectory() as folder:
        endpoint = f"ipc://{Path(folder) / 'echo'}"
        server = subprocess.Popen(
            [sys.executable, "-m", "hybridmix.bench.echo", endpoint], stdout=subprocess.PIPE
        )
        assert server.stdout is not None
        server.stdout.readline()
        try:
            return _client(endpoint, tracks, seconds, block / rate, block, hop)
        finally:
            server.kill()
            server.wait()
            server.stdout.close()


def _client(endpoint: str, tracks: int, seconds: float, period: float, block: int, hop: int) -> list[float]:
    context = zmq.Context()
    socket = context.socket(zmq.DEALER)
    socket.linger = 0
    socket.connect(endpoint)
    payload = bytes(2 * 4 * hop)
    times: list[float] = []
    sent: dict[bytes, float] = {}
    begin = time.perf_counter()
    blocks = hops = 0
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    while time.perf_counter() - begin < seconds:
        blocks += 1
        while (hops + 1) * hop <= blocks * block:
            hops += 1
            ends_frame = hops % _HOPS_PER_FRAME == 0
            for track in range(tracks):
                key = hops.to_bytes(4, "little") + track.to_bytes(4, "little")
                if ends_frame:
                    sent[key] = time.perf_counter()
                socket.send_multipart(
                    [key + bytes([ends_frame]) + bytes(_HEADER - 9), payload], zmq.NOBLOCK, copy=False
                )
        due = begin + blocks * period
        while (rest := due - time.perf_counter()) > 0:
            if poller.poll(max(1, round(rest * 1e3))):
                _drain(socket, sent, times)
    poller.poll(200)
    _drain(socket, sent, times)
    context.destroy(linger=0)
    return times


def _drain(socket: zmq.Socket[bytes], sent: dict[bytes, float], times: list[float]) -> None:
    while True:
        try:
            reply = socket.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return
        times.append((time.perf_counter() - sent.pop(reply[0][:8])) * 1e3)


def _serve(endpoint: str) -> None:
    socket = zmq.Context().socket(zmq.ROUTER)
    socket.bind(endpoint)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        peer, header, _ = socket.recv_multipart()
        if header[8]:
            socket.send_multipart([peer, header[:8] + bytes(_REPLY - 8)])


if __name__ == "__main__":
    _serve(sys.argv[1])
