"""A run that sent no order is an answer, and seldom the one that was asked for."""

from __future__ import annotations

import numpy as np

from factortrader.analytics.recorder import RunRecorder
from factortrader.orders.lifecycle import OrderState

_UNSENT = (OrderState.PLANNED, OrderState.REFUSED)


def why_idle(recorder: RunRecorder) -> str | None:
    """Why no order left, by the last station that was reached; None where one did."""
    lines = list(recorder.orders.lines())
    if any(line.status not in _UNSENT for line in lines):
        return None
    if lines:
        return f"all {len(lines)} orders were refused, the first by {lines[0].reason}"
    if recorder.refused:
        first = recorder.refused[0]
        return (
            f"all {len(recorder.refused)} plans were refused, "
            f"the first by {first.limit}: {first.reason}"
        )
    if not recorder.signals:
        return "the strategy said nothing, or no rebalance was due"
    if not any(np.isfinite(signal.scores).any() for signal in recorder.signals):
        return (
            f"the strategy had no view of any asset on all {len(recorder.signals)} "
            "rebalances: every score was NaN"
        )
    if not any(np.nan_to_num(target.weights).any() for target in recorder.targets):
        return "every weight aimed at was zero"
    return (
        "no weight aimed at was worth a lot or the minimum notional: "
        "the capital is too small"
    )
