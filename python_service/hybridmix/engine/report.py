"""The REPORT of the service: what `hybridmix status --json` prints."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from typing import Any

import msgspec

from hybridmix import __version__
from hybridmix.engine.members import Group, Member
from hybridmix.engine.meter import Meter, resident_mb
from hybridmix.engine.models import Models
from hybridmix.engine.peers import Peer
from hybridmix.engine.reasons import Reason
from hybridmix.engine.service import Service
from hybridmix.profiles import Profile
from hybridmix.wire import parameters
from hybridmix.wire.limits import MAX_JSON, PROTOCOL
from hybridmix.wire.messages import RoundTrip

__all__ = ["build_report"]

_ROLES = ("unset", "ai_stem", "live_source")
_COUNTERS = ("stale", "masked", "skipped", "gap", "absent", "incomplete", "refused", "frames")


def build_report(
    service: Service,
    meter: Meter,
    *,
    endpoint: str,
    models: Models,
    profile_of: Callable[[int], Profile],
    now: float,
) -> dict[str, Any]:
    """Everything about the service as JSON values; ``docs/service-behaviour.md`` names the keys."""
    groups = [_group(group, profile_of) for group in service.registry.groups.values()]
    report = {
        "service": {
            "version": __version__,
            "protocol": list(PROTOCOL),
            "pid": os.getpid(),
            "endpoint": endpoint,
            "uptime_s": round(meter.uptime_s, 3),
            "model": models.name,
            "missing": models.missing,
            "schema": parameters.load().sha256,
            "state": _state(groups),
            "cpu_share": round(meter.cpu_share(), 4),
            "rss_mb": round(resident_mb(), 1),
            "loop_ms": meter.loop_ms(),
        },
        "models": models.hashes,
        "counters": dict(sorted(service.counters.items())),
        "totals": _totals(service, groups),
        "peers": [_peer(peer, now) for peer in service.peers.values() if peer.proved],
        "groups": groups,
        "truncated": False,
    }
    if _too_long(report):
        # Reasons go first: without them as many members fit as a session may have.
        report["truncated"] = True
        for group in groups:
            for member in group["members"]:
                member["reasons"] = []
    if _too_long(report):
        # Hundreds of members do not fit one message; what is said about all of them together does.
        for group in groups:
            del group["members"][16:]
        del report["peers"][64:]  # type: ignore[attr-defined]
    return report


def _too_long(report: dict[str, Any]) -> bool:
    return len(msgspec.json.encode(report)) > MAX_JSON


def _state(groups: list[dict[str, Any]]) -> str:
    """``holding`` where a group holds, ``fallback`` where equal loudness stands in, else ``ok``."""
    if any(group["holding"] for group in groups):
        return "holding"
    return "fallback" if any(group["fallback"] for group in groups) else "ok"


def _totals(service: Service, groups: list[dict[str, Any]]) -> dict[str, int]:
    """Counters of every group there is or was, and of the plugins that are here now."""
    members = [member for group in groups for member in group["members"]]
    return {
        **{
            name: service.registry.closed[name] + sum(group["counters"][name] for group in groups)
            for name in _COUNTERS
        },
        **{name: sum(member[name] for member in members) for name in ("late", "dropped")},
    }


def _ms(samples: int, rate: int) -> float:
    return round(samples * 1e3 / rate, 3)


def _peer(peer: Peer, now: float) -> dict[str, Any]:
    trip = peer.round_trip or RoundTrip(0.0, 0.0, 0.0, 0)
    return {
        "client": peer.client,
        "pid": peer.pid,
        "members": len(peer.members),
        "blocks": peer.taken,
        "connected_s": round(now - peer.since, 3),
        "silent_s": round(now - peer.heard, 3),
        "rtt_ms": msgspec.to_builtins(trip),
    }


def _group(group: Group, profile_of: Callable[[int], Profile]) -> dict[str, Any]:
    session, number, rate = group.key
    counters = dataclasses.asdict(group.timeline.counters)
    return {
        "session": str(session),
        "group": number,
        "rate": rate,
        "model": group.engine.models.name,
        "profile": profile_of(number).name,
        "missing": group.engine.models.missing,
        "fallback": group.engine.standing_in or bool(group.engine.models.missing),
        "stood_in": group.engine.stood_in,
        "holding": group.engine.holding,
        "room": group.engine.room,
        "held": group.engine.held,
        "processors": group.engine.processors,
        "counters": {name: counters[name] for name in _COUNTERS},
        "members": [
            _member(member, group.engine.reasons(member.id))
            for member in sorted(group.members.values(), key=lambda one: one.id.bytes)
        ],
    }


def _member(member: Member, reasons: list[tuple[bool, Reason]]) -> dict[str, Any]:
    names = {parameter.id: parameter.name for parameter in parameters.load().parameters}
    join, stats = member.join, member.stats
    return {
        "instance": str(member.id),
        "label": join.label or join.track_name,
        "role": _ROLES[member.role],
        "rate": join.rate,
        "channels": join.channels,
        "delay_ms": join.delay_ms,
        "position": member.position,
        # What it tells of an earlier run says nothing of this one.
        "reported": stats.position if stats and stats.run == member.run else None,
        "values": {names[number]: round(value, 3) for number, value in sorted(member.values.items())},
        "reasons": [{**msgspec.to_builtins(reason), "now": now} for now, reason in reasons],
        "status": stats.status if stats else None,
        "late": stats.late if stats else 0,
        "dropped": stats.dropped if stats else 0,
        "incomplete": stats.incomplete if stats else 0,
        "lead_ms": _ms(stats.lead, join.rate) if stats else 0.0,
        "needed_delay_ms": _ms(stats.needed_delay, join.rate) if stats else 0.0,
    }
