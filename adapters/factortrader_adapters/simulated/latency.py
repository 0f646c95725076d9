"""The way from the core to the venue: one ordered connection with a delay."""

from __future__ import annotations

import numpy as np

from factortrader.units import SECOND_NS


class Latency:
    """arrival = sent + fixed + uniform(0, jitter), never before an earlier arrival.

    An arrival is always later than what caused it, by 1 ns at least, so that nothing
    decided at a close can meet the bar that ended there (R7).
    """

    def __init__(
        self, *, fixed_seconds: float, jitter_seconds: float, seed: int
    ) -> None:
        self._fixed_ns = max(1, round(fixed_seconds * SECOND_NS))
        self._jitter_ns = round(jitter_seconds * SECOND_NS)
        self._random = np.random.Generator(np.random.PCG64(seed))
        self._last_ns = 0

    def arrival_ns(self, *, sent_ns: int, venue_ns: int) -> int:
        """When a command sent then arrives at a venue whose clock shows venue_ns."""
        delay_ns = self._fixed_ns
        if self._jitter_ns:
            delay_ns += int(self._random.integers(0, self._jitter_ns, endpoint=True))
        self._last_ns = max(sent_ns + delay_ns, venue_ns + 1, self._last_ns)
        return self._last_ns
