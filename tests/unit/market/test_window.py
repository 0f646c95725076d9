"""The window: the last row of a panel function, from the bars or from a memo."""

from __future__ import annotations

import numpy as np
import pytest
from tests.builders import T0, panel, window

from factortrader.errors import BadInput
from factortrader.market.panel import Panel
from factortrader.market.window import Window

TWO = {"A": [1.0, 2.0, 3.0], "B": [10.0, 20.0, 40.0]}


def growth(seen: Panel) -> np.ndarray:
    close = seen.research("close")
    return close / close[0]


class Memo:
    """Knows one row, and remembers who asked for what."""

    def __init__(self, row: np.ndarray | None) -> None:
        self.known = row
        self.asked: list[tuple[object, int]] = []

    def row(self, function: object, close_ns: int) -> np.ndarray | None:
        self.asked.append((function, close_ns))
        return self.known


def test_the_window_is_dated_by_its_last_close() -> None:
    """What a strategy knows, it knows since then."""
    assert window(TWO).close_ns == T0
    assert window(TWO).assets == ("A", "B")


def test_latest_is_the_last_row_of_the_function() -> None:
    """One value per asset."""
    np.testing.assert_array_equal(window(TWO).latest(growth), [3.0, 4.0])


def test_a_memo_that_knows_the_row_is_used() -> None:
    """Asked for this function and this bar; the function is not called."""
    memo = Memo(np.array([7.0, 8.0]))

    def never(seen: Panel) -> np.ndarray:
        raise AssertionError("called although the memo knows")

    seen = Window(panel=panel(TWO), memo=memo)

    np.testing.assert_array_equal(seen.latest(never), [7.0, 8.0])
    assert memo.asked == [(never, T0)]


def test_a_memo_that_does_not_know_the_row_is_done_without() -> None:
    """The function is computed from the window."""
    seen = Window(panel=panel(TWO), memo=Memo(None))

    np.testing.assert_array_equal(seen.latest(growth), [3.0, 4.0])


@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        (lambda seen: seen.research("close")[-1], r"\(2,\)"),
        (lambda seen: seen.research("close")[:, :1], r"\(3, 1\)"),
        (lambda seen: [[1.0, 2.0]] * 3, "list"),
        (lambda seen: None, "NoneType"),
    ],
)
def test_a_function_that_returns_another_shape_is_refused(wrong, got: str) -> None:
    """The error says what was wanted and what came."""
    with pytest.raises(BadInput, match=rf"must return \(3, 2\).*returned {got}"):
        window(TWO).latest(wrong)


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.bool_])
def test_a_function_that_returns_another_type_is_refused(kind) -> None:
    """Estimates are float64 and nothing else."""
    with pytest.raises(BadInput, match="must return float64"):
        window(TWO).latest(lambda seen: growth(seen).astype(kind))
