"""What training minimises: distance of the mix, distance of the gains, movement.

Gains are decibels per F2 frame as the network computed them. They reach the audio as in the service: what was
computed at frame k moves the gain from the end of that frame plus the control delay, within one frame.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hybridmix_models.evaluation import movement

__all__ = ["SpectralLoss", "frame_mean", "gain_loss", "movement_loss", "played", "settled"]

#: Windows of the published loss in samples at `_PUBLISHED_RATE` (arXiv 2603.15995, section 3), hop 25 %.
_WINDOWS = (440, 884, 3528)
_PUBLISHED_RATE = 44100
_DB = math.log(10.0) / 20.0
#: Change of a target that is a level step, dB, and the frames that a gain has to follow it: 1.5 s.
_STEP_DB, _RECOVERY = 0.1, 30


class SpectralLoss(nn.Module):
    """Multi-resolution STFT loss: spectral convergence plus L1 of the log magnitudes, mean over resolutions.

    At 44.1 kHz and one mix at a time it equals auraloss's ``MultiResolutionSTFTLoss`` with windows 440/884/3528,
    hops 110/221/882, FFT 512/1024/4096; at other rates the windows last as long. It leaves out the phases, which
    auraloss computes and weighs with 0, and takes the convergence of each mix of a batch by itself.
    """

    #: Powers below this count as this.
    EPSILON = 1e-8

    def __init__(self, rate: int) -> None:
        super().__init__()
        self.sizes: list[tuple[int, int, int]] = []
        for index, published in enumerate(_WINDOWS):
            window = round(published * rate / _PUBLISHED_RATE)
            self.sizes.append((2 ** math.ceil(math.log2(window)), window // 4, window))
            self.register_buffer(f"window_{index}", torch.hann_window(window), persistent=False)

    def forward(self, mix: Tensor, reference: Tensor) -> Tensor:
        """Return the loss, (), of ``mix`` against ``reference``, both (b, samples)."""
        losses = []
        for index, (points, hop, _) in enumerate(self.sizes):
            mixed = self._power(mix, index, points, hop)
            wanted = self._power(reference, index, points, hop)
            missing = (mixed.sqrt() - wanted.sqrt()).square().sum(dim=(1, 2)).clamp(min=1e-16).sqrt()
            convergence = missing / wanted.sum(dim=(1, 2)).sqrt()
            logarithm = 0.5 * (mixed.log() - wanted.log()).abs()
            losses.append(convergence.mean() + logarithm.mean())
        return torch.stack(losses).mean()

    def _power(self, audio: Tensor, index: int, points: int, hop: int) -> Tensor:
        """Return the power spectrogram of ``audio`` (b, samples), (b, points / 2 + 1, frames)."""
        window = getattr(self, f"window_{index}")
        spectrum = torch.stft(audio, points, hop, window.numel(), window, return_complex=True)
        return (spectrum.real.square() + spectrum.imag.square()).clamp(min=self.EPSILON)


def played(audio: Tensor, gain_db: Tensor, delay: int) -> tuple[Tensor, int]:
    """Mix ``audio`` by the gains of a pass.

    Args:
        audio: (b, n, T * frame), zeros where a track is padding.
        gain_db: (b, n, T), computed at each F2 frame.
        delay: control delay in samples: from the end of a frame to the sample where its gain begins to move;
            0 is the paper's zero latency, below 0 a model that hears a frame before its gain is due.

    Returns:
        The mix from the first sample that has a gain, (b, samples), and the number of that sample.
    """
    frames = gain_db.shape[2]
    frame = audio.shape[2] // frames
    amplitude = torch.exp(gain_db * _DB)
    before = torch.cat([amplitude[:, :, :1], amplitude[:, :, :-1]], dim=2)
    start = frame + delay
    # From here on gain k moves within the k-th frame's length of audio.
    heard = audio[:, :, start:] if start >= 0 else functional.pad(audio, (-start, 0))
    length = min(heard.shape[2], audio.shape[2])
    heard = functional.pad(heard[:, :, : frames * frame], (0, max(frames * frame - heard.shape[2], 0)))
    cut = heard.reshape(*heard.shape[:2], frames, frame).transpose(1, 2)
    share = torch.arange(1, frame + 1, dtype=audio.dtype, device=audio.device) / frame
    # The line from one gain to the next as two products over the tracks: quicker than a curve of all samples.
    parts = torch.stack([before, amplitude - before], dim=3).permute(0, 2, 3, 1) @ cut
    mix = (parts[:, :, 0] + parts[:, :, 1] * share).flatten(1)
    if start >= 0:
        return mix[:, :length], start
    return mix[:, -start:], 0


def frame_mean(values: Tensor, counts: Tensor) -> Tensor:
    """Return the mean of ``values`` (b, n, T) where ``counts``: over frames, then tracks, (b,).

    Tracks without such a frame are left out; 0 where no track has one.
    """
    frames = counts.sum(dim=2)
    heard = (frames > 0).to(values.dtype)
    tracks = torch.where(counts, values, 0.0).sum(dim=2) / frames.clamp(min=1)
    return (tracks * heard).sum(dim=1) / heard.sum(dim=1).clamp(min=1.0)


def gain_loss(gain_db: Tensor, target_db: Tensor, active: Tensor) -> Tensor:
    """Smooth L1, bent at 1 dB, of the gains' distance to their targets, (), whatever the level of the whole mix.

    Args:
        gain_db, target_db: (b, n, T).
        active: (b, n, T), the frames that count (docs/metrics.md, gain error).
    """
    error = torch.where(active, gain_db - target_db, 0.0)
    offset = frame_mean(error, active)[:, None, None]
    return frame_mean(
        functional.smooth_l1_loss(error - offset, torch.zeros_like(error), reduction="none"), active
    ).mean()


def movement_loss(gain_db: Tensor, counts: Tensor, free_db: float) -> Tensor:
    """How far gains move by more than ``free_db`` from one frame to the next, (): smooth L1, bent at 1 dB.

    Args:
        gain_db: (b, n, T).
        counts: (b, n, T), frames into which a movement counts.
        free_db: movement per frame that costs nothing.
    """
    beyond = functional.relu(gain_db.diff(dim=2).abs() - free_db)
    return frame_mean(
        functional.smooth_l1_loss(beyond, torch.zeros_like(beyond), reduction="none"), counts[:, :, 1:]
    ).mean()


def settled(active: Tensor, target_db: Tensor) -> Tensor:
    """Return the frames, (b, n, T) bool, in which nothing asks a gain to move: no entrance, no level step before.

    Args:
        active: (b, n, T) bool, frames in which the source plays.
        target_db: (b, n, T), constant but for level steps.
    """
    entered = np.stack([movement.entrances(one) for one in active.cpu().numpy()])
    stepped = functional.pad((target_db.diff(dim=2).abs() > _STEP_DB).to(target_db.dtype), (_RECOVERY, 0))
    recent = functional.max_pool1d(stepped, _RECOVERY, stride=1) > 0.0
    return active & ~torch.from_numpy(entered).to(active.device) & ~recent
