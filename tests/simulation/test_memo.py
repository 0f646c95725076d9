"""The memo is only a memo: without it a replay says the same (R11)."""

from __future__ import annotations

import numpy as np
import pytest
from tests.funds import FUNDS, fund
from tests.runs import golden, replayed

from factortrader.errors import BadInput
from factortrader.market.panel import Panel
from factortrader.runtime.memo import PanelMemo
from factortrader.units import FloatArray


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNDS)
def test_a_replay_without_memo_leaves_the_same_journal(name: str) -> None:
    """Factors bar by bar from their window, or once over the whole history."""
    assert replayed(fund(name), memo=False).head == golden(name).head


def test_a_function_that_looks_ahead_is_refused_by_the_memo() -> None:
    """Rows that a window alone would not give are never handed out."""
    panel = fund("momentum").history.panel
    memo = PanelMemo(panel, lookback_bars=5)

    def tomorrow(seen: Panel) -> FloatArray:
        close = seen.research("close")
        return np.concatenate([close[1:], np.full_like(close[:1], np.nan)])

    with pytest.raises(BadInput, match="only its window"):
        memo.row(tomorrow, int(panel.close_ns[100]))
