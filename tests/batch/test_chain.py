"""A host that does what it likes, with every section on: real plugins, real service, from a seed."""

from __future__ import annotations

from tests.built import NEEDS_PLUGIN

from hybridmix.bench import chain

pytestmark = NEEDS_PLUGIN


def test_whatever_a_host_does_sound_stays_finite_values_in_range_and_the_state_is_recovered() -> None:
    figures = chain.measure(15.0, 3, "alm-mr-plus", lambda _: None)
    assert sum(figures["actions"].values()) > 20
    assert figures["nonfinite_samples"] == 0
    assert figures["outside_range"] == {}
    assert figures["recovered_identical"], figures["recovered_residual_db"]
    # A preset may set a track to silence, but not the session.
    assert len(figures["silent_tracks"]) < figures["tracks"]
