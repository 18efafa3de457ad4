"""The gain networks by name; a configuration holds only what differs from the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from hybridmix.errors import InputError
from hybridmix_models.gain.alm import AlmMr, AlmSr
from hybridmix_models.gain.dmc import Dmc
from hybridmix_models.gain.network import GainNetwork
from hybridmix_models.gain.plus import AlmMrPlus
from hybridmix_models.gain.vggish import Vggish

__all__ = ["CONFIGS", "Config", "build"]


@dataclasses.dataclass(frozen=True, slots=True)
class Config:
    """One network of the table, and what its training differs in."""

    network: Callable[[], GainNetwork]
    summary: str
    #: Inputs in training have bleed; without it they are the dry sources.
    bleed: bool = True
    #: In training a gain is applied to the frame after the one it was computed at, as in use; else to the same.
    zero_latency: bool = True
    #: The paper's embedding in place of the compact one; it hears the level as recorded.
    vggish: bool = False


CONFIGS: Mapping[str, Config] = {
    "alm-mr": Config(
        AlmMr, "AiLive Mixer, multi-rate: embeddings every 300 ms, levels and gains every 50 ms."
    ),
    "alm-sr": Config(AlmSr, "AiLive Mixer, single-rate: one decision for every window of audio."),
    "dmc-b-0l": Config(Dmc, "Differentiable mixing console trained with bleed and zero latency."),
    "dmc-og": Config(
        Dmc,
        "Differentiable mixing console trained as published: without bleed, gains for the frame they hear.",
        bleed=False,
        zero_latency=False,
    ),
    "alm-mr-vggish": Config(
        AlmMr,
        "AiLive Mixer, multi-rate, with full VGGish, whose public weights are yours to give.",
        vggish=True,
    ),
    "alm-mr-plus": Config(AlmMrPlus, "AiLive Mixer, multi-rate, as a residual in dB on the loudness so far."),
}


def build(name: str) -> GainNetwork:
    """Return a new network of the configuration ``name``. Raises InputError for an unknown one."""
    if name not in CONFIGS:
        raise InputError(f"gain network {name!r} is unknown; expected one of: {', '.join(CONFIGS)}.")
    config = CONFIGS[name]
    network = config.network()
    if config.vggish:
        network.embedding, network.normalised = Vggish(), False
    return network
