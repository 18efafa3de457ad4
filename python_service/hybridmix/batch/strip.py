"""One channel strip of a render: source → plugins before → the shim → plugins after."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pedalboard

from hybridmix.batch.audio import Audio, Fifo, Source
from hybridmix.batch.plugin import Shim

__all__ = ["Strip"]


class Strip:
    """Runs one track block by block; the shim always gets blocks of the length asked for.

    Args:
        open_source: opens the track's audio from its beginning.
        shim: the plugin of this track.
        before, after: other pedalboard plugins around it; their latency is compensated.
        rate: of the session in Hz.
        late: samples that the shim holds back.
    """

    def __init__(
        self,
        open_source: Callable[[], Source],
        shim: Shim,
        before: Sequence[pedalboard.Plugin],
        after: Sequence[pedalboard.Plugin],
        rate: int,
        late: int = 0,
    ) -> None:
        self.shim = shim
        self.late = late
        self._open_source = open_source
        self._before = pedalboard.Pedalboard(list(before)) if before else None
        self._after = pedalboard.Pedalboard(list(after)) if after else None
        self._rate = rate
        self._source = open_source()
        #: Channels of the track, 1 or 2, and its length on the timeline in samples.
        self.channels = self._source.channels
        self.frames = self._source.frames
        self._input = Fifo(self.channels)
        #: What has passed the whole strip.
        self.output = Fifo(self.channels)

    def rewind(self) -> None:
        """Go back to the beginning, all plugins reset."""
        self._source.close()
        self._source = self._open_source()
        self._input = Fifo(self.channels)
        self.output = Fifo(self.channels)
        for chain in (self._before, self._after):
            if chain is not None:
                chain.reset()
        self.shim.reset()

    def advance(self, frames: int) -> Audio:
        """Process ``frames`` samples; returns what the shim heard, shape ``(channels, frames)``."""
        if self._before is None:
            heard = self._source.read(frames)
        else:
            while self._input.frames < frames:
                self._input.push(self._before(self._source.read(frames), self._rate, frames, reset=False))
            heard = self._input.pop(frames)
        self._finish(self.shim.process(heard, self._rate))
        return heard

    def flush(self, frames: int) -> None:
        """Push silence behind the shim until ``frames`` samples wait in :attr:`output`."""
        while self.output.frames < frames:
            self._finish(np.zeros((self.channels, 1024), np.float32))

    def _finish(self, block: Audio) -> None:
        if self._after is not None:
            block = self._after(block, self._rate, block.shape[1], reset=False)
        self.output.push(block)

    def close(self) -> None:
        """Close the track's file and let go of the plugin."""
        self._source.close()
        self.shim.close()
