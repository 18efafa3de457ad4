from __future__ import annotations

import json

import numpy as np

from hybridmix_models.evaluation.groove.splices import Ask, pitch_cents, splice

from .groove_reference import GOLDEN, golden


def test_the_golden_vectors_of_groove_are_what_the_reference_says() -> None:
    stored, made = json.loads(GOLDEN.read_text()), golden()
    for one, other in zip(stored, made, strict=True):
        np.testing.assert_allclose(one.pop("output"), other.pop("output"), rtol=0.0, atol=1e-6)
        assert one == json.loads(json.dumps(other))


def test_a_shift_moves_a_hit_by_whole_samples_and_touches_no_sample_of_it() -> None:
    rate, step = 48000, 6000
    audio = np.zeros(6 * step, np.float32)
    hit = np.random.default_rng(1).normal(0.0, 0.1, 2000).astype(np.float32)
    for begin in range(step, 5 * step, step):
        audio[begin : begin + len(hit)] = hit
    out = splice(audio, [Ask(2 * step, 5.0, 3 * step)], rate)
    for slot, late in ((1, 0), (2, 0), (3, 240), (4, 240)):
        begin = slot * step + 2880 + late
        np.testing.assert_array_equal(out[begin : begin + len(hit)], hit)


def test_a_tone_keeps_its_pitch() -> None:
    assert pitch_cents() < 5.0
