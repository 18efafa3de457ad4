"""The gain networks as exports: an embedding graph that they share, and a step graph each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from hybridmix_export.catalogue import Export, Tensor
from hybridmix_export.trials import EmbeddingTrial, StepTrial
from hybridmix_models.gain.configs import CONFIGS
from hybridmix_models.gain.logmel import SAMPLES
from hybridmix_models.gain.network import Embed, GainNetwork, Step
from hybridmix_models.gain.parts import WIDTH
from hybridmix_models.gain.plus import AlmMrPlus

__all__ = ["DATA", "embedding_export", "step_export"]

#: What the networks of the table are trained on (docs/data.md).
DATA = (
    "sessions rendered from the Groove MIDI Dataset (Google, CC BY 4.0) and parts written by rules, through the "
    "sound font FluidR3 GM (Frank Wen and contributors, MIT) and a formant voice; bleed by simulated rooms",
)
#: How far the streamed gains of 10 minutes may be from those of the whole signal, dB.
_STREAMED_DB = 1e-3


def embedding_export(
    embedding: nn.Module, name: str, summary: str, data: tuple[str, ...], facts: Mapping[str, Any]
) -> Export:
    """Return ``embedding`` with its front end as the file ``name``."""
    return Export(
        name=name,
        build=lambda: Embed(embedding),
        summary=summary,
        source="Front end of VGGish (Hershey et al. 2017): 16 kHz, 25 ms windows every 10 ms, 64 mel bands 125-7500 Hz",
        inputs=(
            Tensor(
                "audio", torch.float32, ("n", SAMPLES), "full scale 1", "last 975 ms of each track at 16 kHz"
            ),
            Tensor(
                "normalised", torch.bool, ("n",), "flag", "whether the row is first scaled to -20 dBFS RMS"
            ),
        ),
        outputs=(Tensor("embedding", torch.float32, ("n", WIDTH), "1", "what a step takes", tolerance=1e-3),),
        trial=EmbeddingTrial(),
        limits=(
            "Give what the step's card says under normalised: the network was trained with it.",
            "Rows are scaled by at most 60 dB: what is below -80 dBFS becomes quieter than the rest.",
            "A row that is not finite gives one that is not finite; other rows do not change.",
        ),
        out_of_scope=(
            "Recognition of instruments or speech: it serves gains and nothing else was measured.",
        ),
        data=data,
        facts=facts,
    )


def step_export(name: str, config: str, network: GainNetwork, facts: Mapping[str, Any]) -> Export:
    """Return ``network``, of the configuration ``config``, as the file ``name``."""
    bounded = isinstance(network, AlmMrPlus)
    return Export(
        name=name,
        build=lambda: Step(network),
        summary=CONFIGS[config].summary,
        source="Architecture: arXiv 2603.15995 (AiLive Mixer); docs/models.md lists every departure",
        inputs=(
            Tensor(
                "embedding", torch.float32, ("n", WIDTH), "1", "newest of each track, zeros before its first"
            ),
            Tensor("level_db", torch.float32, ("n",), "dBFS", "RMS of the frame of 50 ms, -100 for silence"),
            Tensor(
                "energy",
                torch.float32,
                ("n",),
                "mean square",
                "K-weighted frame of 50 ms, summed over channels",
            ),
            Tensor("mask", torch.bool, ("n",), "flag", "false: the row is ignored and keeps its state"),
            *(
                Tensor(
                    state.name, state.dtype, ("n", *state.shape), state.unit, state.meaning, state.given_back
                )
                for state in network.states
            ),
        ),
        outputs=(
            Tensor(
                "gain_db",
                torch.float32,
                ("n",),
                "dB",
                "gain to apply in the next frame; 0 in masked rows",
                # At most 0.001 dB at the widest gain of 36 dB; a gain through ReLU has no such bound near silence.
                tolerance=_STREAMED_DB / 36.0 if bounded else _STREAMED_DB,
            ),
            *(
                Tensor(
                    state.given_back,
                    state.dtype,
                    ("n", *state.shape),
                    state.unit,
                    "state for the next frame",
                    tolerance=1e-3 if state.dtype.is_floating_point else 0.0,
                )
                for state in network.states
            ),
        ),
        trial=StepTrial(network, _STREAMED_DB),
        limits=(
            "Inputs of rows that are not masked must be finite: check them before, outputs do not show it.",
            "Trained on at most 20 tracks; any number from 1 to 128 was checked for parity, not for the mix.",
            "Begin with zeros and false.",
        ),
        out_of_scope=(
            "Artistic intent beyond a plain pop balance; panning, equalisation, compression.",
            "Boost limits, slew limits and headroom: whoever applies the gains sets them.",
        ),
        ranges={"gain_db": (-80.0, 36.0)},
        data=DATA,
        facts={**facts, "normalised": network.normalised},
    )
