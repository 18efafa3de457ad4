from __future__ import annotations

import json

import numpy as np

from .reverb_reference import GOLDEN, OCTAVES_HZ, Network, golden, response_db


def test_the_golden_vectors_of_the_reverb_are_what_the_reference_says() -> None:
    stored, made = json.loads(GOLDEN.read_text()), golden()
    for one, other in zip(stored, made, strict=True):
        # The solver of another machine may round otherwise.
        np.testing.assert_allclose(one.pop("output"), other.pop("output"), rtol=0.0, atol=1e-6)
        assert one == json.loads(json.dumps(other))


def test_every_line_loses_what_the_reverberation_times_ask_for() -> None:
    rate, t60 = 48000, np.array([1.2, 1.1, 0.9, 1.0, 0.8, 0.7, 0.5])
    network = Network(rate)
    network.set(t60, at_once=True)
    for line, length in enumerate(network.lengths):
        shelves = [response_db(shelf[:, line], OCTAVES_HZ, rate) for shelf in network.shelves]
        loss = 20.0 * np.log10(network.flat[line]) + np.sum(shelves, axis=0)
        np.testing.assert_allclose(loss, -60.0 * length / (rate * t60), rtol=0.02)
