"""What a host does with one instance: a list of process calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum


class Begins(Enum):
    """How a run begins."""

    START = "start"
    JUMP = "jump"


@dataclass(frozen=True)
class Call:
    """One process call; ``size`` 0 stands for a turn in which the host leaves the instance out."""

    position: int
    size: int
    begins: Begins | None = None


Script = list[Call]


@dataclass(frozen=True)
class Jump:
    """After ``after`` samples, go on at ``to``; without ``begins`` only the block is cut there."""

    after: int
    to: int
    begins: Begins | None = Begins.JUMP


def stream(
    block: int | Callable[[], int], duration: int, start: int = 0, jumps: Sequence[Jump] = ()
) -> Script:
    """Play ``duration`` samples from ``start`` on in blocks that are cut where the transport jumps."""
    calls: Script = []
    position, done, begins = start, 0, Begins.START
    pending: Begins | None = begins
    jumps = list(jumps)
    while done < duration:
        size = min(block if isinstance(block, int) else block(), duration - done)
        if jumps and done + size >= jumps[0].after:
            size = jumps[0].after - done
        if size:
            calls.append(Call(position, size, pending))
            pending = None
        position += size
        done += size
        if jumps and done == jumps[0].after:
            position, pending = jumps[0].to, jumps[0].begins
            jumps.pop(0)
    return calls


def shifted(script: Script, offset: int) -> Script:
    """The same calls, each at an earlier position: what another delay compensation does to a track."""
    return [replace(call, position=call.position - offset) for call in script]


def from_position(script: Script, first: int) -> Script:
    """The same calls, left out until ``first``, where a run begins inside a block if it must."""
    calls: Script = []
    begun = False
    for call in script:
        end = call.position + call.size
        if begun:
            calls.append(call)
        elif end <= first:
            calls.append(Call(call.position, 0))
        else:
            begun = True
            position = max(call.position, first)
            calls.append(Call(position, end - position, Begins.START))
    return calls


def until_position(script: Script, last: int) -> Script:
    """The same calls, left out from the block that passes ``last`` on."""
    return [call if call.position + call.size <= last else replace(call, size=0) for call in script]
