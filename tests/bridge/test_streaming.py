"""What the bridge sends: joins, hops in order, waits, and what credit allows."""

from __future__ import annotations

from itertools import groupby, pairwise
from uuid import UUID, uuid4

import numpy as np

from hybridmix.wire import Flags, Kind, messages

from .driving import Stage, begins, joined, mixing

HOP = 480


def test_an_instance_joins_announces_its_run_and_streams_every_hop_once(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    stage.until(lambda: len(service.blocks()) > 100)
    first, *hops = service.blocks()
    assert begins(first)
    assert first.frames == 0
    assert all(block.frames > 0 and block.frames % HOP == 0 for block in hops)
    assert all(later.position == earlier.position + earlier.frames for earlier, later in pairwise(hops))
    assert [block.sequence for block in service.blocks()] == list(range(1, len(hops) + 2))
    seen = stage.seen(probe, mixing)["instances"][0]
    assert UUID(seen["instance"]) == first.instance
    assert (seen["session"], seen["dirty"], seen["late"]) == (str(service.session), True, 0)
    assert stage.seen(probe, lambda s: s["bridge"]["rtt_ms"]["count"] > 5)["bridge"]["rtt_ms"]["p50"] > 0


def test_hops_leave_in_the_order_in_which_the_instances_pushed_them(stage: Stage) -> None:
    service = stage.serve()
    stage.probe(instances=4, block=HOP)
    stage.until(lambda: len({block.instance for block in service.blocks()}) == 4)
    begin = len(service.received)
    stage.until(lambda: len(service.received) > begin + 400)
    hops = [m.header for m in service.received[begin:] if m.header.kind is Kind.BLOCK and m.header.frames]
    turns = [list(turn) for _, turn in groupby(hops, key=lambda hop: hop.position)]
    orders = {tuple(hop.instance for hop in turn) for turn in turns[1:-1]}
    assert len(turns) > 50
    assert [len(set(order)) for order in orders] == [4], "one order, in which each has its turn"


def test_hops_that_are_ready_together_leave_in_one_message(stage: Stage) -> None:
    service = stage.serve()
    stage.probe(instances=8, block=HOP)
    stage.until(lambda: service.packets.count(8) > 20)
    assert max(service.packets) <= 128
    assert [block.sequence for block in service.blocks()] == list(range(1, sum(service.packets) + 1))


def test_a_render_sends_what_is_ready_as_one_block_and_waits_for_the_answer(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=3, block=8192, sync=1, seconds=5)
    stage.finish(probe)
    sizes = {block.frames // HOP for block in service.blocks()}
    assert max(sizes) >= 17
    assert all(block.flags & Flags.SYNC for block in service.blocks())
    waits = service.of(Kind.WAIT)
    assert waits
    for index, message in enumerate(service.received):
        if message.header.kind is Kind.WAIT:
            sent = [m.header for m in service.received[:index] if m.header.kind is Kind.BLOCK]
            own = [block for block in sent if block.instance == message.header.instance]
            assert own[-1].position + own[-1].frames >= message.header.position
    assert not any(block.flags & Flags.GAP for block in service.blocks())


def test_the_tracks_of_a_render_travel_together_and_equally_long(stage: Stage) -> None:
    service = stage.serve()
    stage.finish(stage.probe(instances=8, block=960, sync=1, seconds=5))
    hops = [block.position + block.frames for block in service.blocks() if block.frames]
    turns = [len(list(turn)) for _, turn in groupby(hops)]
    assert turns.count(8) > 0.8 * len(turns), turns
    assert service.packets.count(8) > 0.5 * len(service.packets), service.packets


def test_a_block_of_several_hops_is_planar(stage: Stage) -> None:
    service = stage.serve()
    stage.finish(stage.probe(instances=1, block=4096, sync=1, seconds=2))
    several = [m for m in service.of(Kind.BLOCK) if m.header.frames > HOP]
    assert several
    for message in several:
        assert message.audio.shape == (2, message.header.frames)
        # Both channels are independent noise; interleaving or swapping planes would correlate them.
        left, right = message.audio
        assert abs(np.corrcoef(left, right)[0, 1]) < 0.2


def test_live_keeps_within_its_credit_drops_the_oldest_and_marks_the_gap(stage: Stage) -> None:
    service = stage.serve(credits=8)
    service.crediting = service.answering = False
    probe = stage.probe(instances=2)
    seen = stage.seen(probe, lambda s: all(i["dropped"] > 20 for i in s["instances"]))
    for instance in seen["instances"]:
        assert len(service.blocks(instance["instance"])) == 8
    assert seen["instances"][0]["up"], "a service that is slow is still a service"
    service.crediting = True
    service.credits_back()
    stage.until(lambda: len(service.blocks()) > 100)
    for instance in seen["instances"]:
        flags = [bool(block.flags & Flags.GAP) for block in service.blocks(instance["instance"])]
        assert flags[8], "the first hop after the loss says so"
        assert not any(flags[:8])


def test_a_run_is_announced_after_what_the_others_played_before_it_when_credit_was_out(stage: Stage) -> None:
    service = stage.serve(credits=4)
    probe = stage.probe(instances=2)
    other = stage.seen(probe, mixing)["instances"][0]["instance"]
    service.crediting = service.answering = False
    stage.seen(probe, lambda s: all(i["dropped"] > 20 for i in s["instances"]))
    identity = str(uuid4())
    probe.tell(f"load 1 {identity}")
    stage.seen(probe, lambda s: s["instances"][1]["joined"] == 2)
    stage.rest(0.1)
    service.crediting = True
    service.credits_back()
    stage.until(lambda: len(service.blocks(identity)) > 5)
    begin = service.blocks(identity)[0]
    before = [block for block in service.blocks(other) if block.sequence < begin.sequence][-1]
    assert before.position + before.frames > begin.position - 2 * 512


def test_a_render_keeps_every_hop_when_credit_runs_out(stage: Stage) -> None:
    service = stage.serve(credits=1)
    service.crediting = False
    probe = stage.probe(instances=1, block=512, sync=1)
    stage.until(lambda: service.blocks())
    stage.rest(0.3)
    assert len(service.blocks()) == 1
    service.crediting = True
    service.credits_back()
    stage.until(lambda: len(service.blocks()) > 50)
    hops = [block for block in service.blocks() if block.frames]
    assert all(later.position == earlier.position + earlier.frames for earlier, later in pairwise(hops))
    assert stage.seen(probe, mixing)["instances"][0]["dropped"] == 0


def test_a_label_is_told_without_a_new_run(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    stage.seen(probe, mixing)
    probe.tell("label 0 Bass")
    stage.until(lambda: len(service.of(Kind.JOIN)) == 2)
    stage.rest(0.2)
    joins = [message.control for message in service.of(Kind.JOIN)]
    assert isinstance(joins[1], messages.Join)
    assert joins[1].label == "Bass"
    assert sum(map(begins, service.blocks())) == 1


def test_a_state_that_is_loaded_later_makes_another_member_of_the_instance(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    stage.seen(probe, mixing)
    identity = str(uuid4())
    probe.tell(f"load 0 {identity}")
    stage.until(lambda: len(service.blocks(identity)) > 20)
    assert begins(service.blocks(identity)[0])
    assert stage.seen(probe, mixing)["instances"][0]["joined"] == 2


def test_a_state_that_is_loaded_before_the_first_identity_is_confirmed_keeps_its_own(stage: Stage) -> None:
    service = stage.serve()
    service.joining = False
    probe = stage.probe(instances=1)
    stage.until(lambda: service.of(Kind.JOIN))
    identity = str(uuid4())
    probe.tell(f"load 0 {identity}")
    stage.seen(probe, lambda s: s["instances"][0]["instance"] == identity)
    stage.rest(0.1)
    service.let_join()
    stage.rest(0.1)
    stage.until(lambda: len(service.of(Kind.JOIN)) == 2)
    service.let_join()
    stage.until(lambda: len(service.blocks()) > 5)
    assert {str(block.instance) for block in service.blocks()} == {identity}
    assert begins(service.blocks()[0])
    seen = stage.seen(probe, mixing)["instances"][0]
    assert (seen["instance"], seen["joined"]) == (identity, 1)


def test_an_instance_that_is_gone_before_it_is_joined_leaves_all_the_same(stage: Stage) -> None:
    service = stage.serve()
    service.joining = False
    probe = stage.probe(instances=2)
    stage.until(lambda: len(service.of(Kind.JOIN)) == 2)
    joins = [message.control for message in service.of(Kind.JOIN)]
    probe.tell("drop 0")
    stage.rest(0.1)
    service.let_join()
    stage.until(lambda: service.of(Kind.LEAVE))
    assert isinstance(joins[0], messages.Join)
    assert [message.header.instance for message in service.of(Kind.LEAVE)] == [joins[0].instance]


def test_values_reach_the_owner_of_an_identity_while_another_instance_asks_for_it(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=2)
    owner = stage.seen(probe, mixing)["instances"][1]["instance"]
    service.joining = False
    probe.tell(f"load 0 {owner}")
    stage.until(lambda: len(service.of(Kind.JOIN)) == 3)
    service.gain_db = -18.0
    seen = stage.seen(probe, lambda s: s["instances"][1]["gain_db"] < -17.9)
    assert not seen["instances"][0]["up"]


def test_an_identity_that_the_service_gives_is_taken_over_and_must_be_saved(stage: Stage) -> None:
    service = stage.serve()
    asked, given = uuid4(), uuid4()
    service.renamed[asked] = given
    probe = stage.probe(instances=1, identity=asked)
    seen = stage.seen(probe, joined)["instances"][0]
    assert (seen["instance"], seen["dirty"]) == (str(given), True)
    stage.until(lambda: len(service.blocks(str(given))) > 5)
    assert not service.blocks(str(asked))


def test_an_instance_that_is_activated_anew_stays_joined(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=1)
    seen = stage.seen(probe, mixing)["instances"][0]
    service.received.clear()
    probe.tell("activate 0 96000")
    stage.until(lambda: any(block.rate == 96000 and block.frames for block in service.blocks()))
    join = service.of(Kind.JOIN)[0].control
    assert isinstance(join, messages.Join)
    assert (str(join.instance), join.rate) == (seen["instance"], 96000)
    assert not service.of(Kind.LEAVE, Kind.BYE)
    assert begins(next(block for block in service.blocks() if block.rate == 96000))
    assert stage.seen(probe, mixing)["instances"][0]["joined"] == 1


def test_leaving_is_said_and_the_thread_ends_with_the_last_instance(stage: Stage) -> None:
    service = stage.serve()
    probe = stage.probe(instances=2)
    seen = stage.seen(probe, mixing)
    probe.tell("drop 0")
    stage.until(lambda: service.of(Kind.LEAVE))
    assert str(service.of(Kind.LEAVE)[0].header.instance) == seen["instances"][0]["instance"]
    probe.tell("quit")
    last = stage.finish(probe)
    stage.until(lambda: service.of(Kind.BYE))
    # A bound for hanging; how long it takes is measured, not tested.
    assert last["detach_ms"] < 1000
    assert last["threads"] == seen["threads"] - 2, "neither the audio thread nor the bridge is left"
