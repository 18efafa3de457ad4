"""Joining, sessions, identities, leaving and vanishing."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from hybridmix.engine.client import Client
from hybridmix.engine.server import Server
from hybridmix.errors import HybridMixError
from hybridmix.wire import Header, Kind, encode, encode_control
from hybridmix.wire import messages as m

from .running import Peer, discovery, eventually, join, members


def _joined(peer: Peer, wanted: m.Join) -> m.Joined:
    peer.send(encode_control(wanted))
    joined = peer.next(Kind.JOINED).control
    assert isinstance(joined, m.Joined)
    return joined


def test_the_instances_of_a_process_share_its_session(client: Client) -> None:
    first, second = client.join(join(0)), client.join(join(1))
    assert first.session == second.session


def test_a_new_process_joins_the_only_open_session(client: Client, folder: Path) -> None:
    first = client.join(join())
    with Client(folder) as other:
        assert other.join(join()).session == first.session


def test_a_new_process_opens_its_own_session_beside_several(client: Client, folder: Path) -> None:
    named = [uuid4(), uuid4()]
    for handle, session in enumerate(named):
        assert client.join(join(handle, session=session)).session == session
    with Client(folder) as other:
        assert other.join(join()).session not in named


def test_a_saved_session_is_kept_and_groups_of_two_sessions_do_not_mix(client: Client, folder: Path) -> None:
    ours, theirs = uuid4(), uuid4()
    client.join(join(session=ours))
    with Client(folder) as other:
        other.join(join(session=theirs))
        groups = other.status()["groups"]
    assert {(group["session"], len(group["members"])) for group in groups} == {
        (str(ours), 1),
        (str(theirs), 1),
    }


def test_a_copied_track_gets_an_identity_of_its_own(client: Client, folder: Path) -> None:
    original = uuid4()
    assert client.join(join(0, original)).instance == original
    copy = client.join(join(1, original)).instance
    assert copy != original
    with Client(folder) as other:
        assert other.join(join(0, original)).instance not in (original, copy)


def test_the_identity_of_a_host_that_died_is_free_at_once(server: Server, folder: Path) -> None:
    token, instance = discovery(folder).token, uuid4()
    with Peer(server.endpoint) as dying:
        dying.prove(token)
        assert _joined(dying, join(0, instance)).instance == instance
    with Peer(server.endpoint) as again:
        again.prove(token)
        assert _joined(again, join(0, instance)).instance == instance


def test_joining_again_changes_label_and_group(client: Client) -> None:
    instance = client.join(join(5, label="bass")).instance
    client.join(join(5, instance, label="kick", group=7))
    (group,) = client.status()["groups"]
    assert group["group"] == 7
    assert [member["label"] for member in group["members"]] == ["kick"]


def test_state_restored_after_activation_changes_the_identity(client: Client) -> None:
    client.join(join(0))
    restored = uuid4()
    assert client.join(join(0, restored)).instance == restored
    assert list(members(client)) == [str(restored)]


def test_leaving_ends_the_member_and_its_empty_group(client: Client) -> None:
    instance = client.join(join()).instance
    client.send(encode(Header(Kind.LEAVE, instance=instance)))
    assert client.status()["groups"] == []


def test_a_full_group_is_refused(client: Client) -> None:
    for handle in range(128):
        client.join(join(handle))
    with pytest.raises(HybridMixError, match=r"\(full\): group 1 has 128 members; expected fewer"):
        client.join(join(128))
    client.join(join(129, group=2))
    report = client.status()
    assert report["truncated"] is (len(report["groups"][0]["members"]) < 128)


@pytest.mark.parametrize("polite", [True, False], ids=["BYE", "closed"])
def test_a_connection_that_ends_takes_its_members_with_it(client: Client, folder: Path, polite: bool) -> None:
    with Peer(client.discovery.endpoint) as leaving:
        leaving.prove(discovery(folder).token)
        instance: UUID = _joined(leaving, join()).instance
        assert str(instance) in members(client)
        if polite:
            leaving.send(encode_control(m.Bye("unloaded")))
            assert eventually(lambda: not members(client))
    assert eventually(lambda: not members(client), 1.0)


def test_a_member_of_one_connection_cannot_be_moved_by_another(client: Client, proved: Peer) -> None:
    instance = client.join(join()).instance
    proved.send(encode(Header(Kind.LEAVE, instance=instance)))
    proved.send(encode(Header(Kind.PING, sequence=9)))
    assert proved.next(Kind.PONG).header.sequence == 9
    assert str(instance) in members(client)
