"""Small random funds for properties over whole replays.

What is drawn are sections for `tests.funds.fund("momentum", **sections)`: a failure
then prints a configuration and not a market.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from hypothesis import strategies as st

Sections: TypeAlias = dict[str, dict[str, Any]]

KINDS = ("spot", "perpetuals", "idealized")

PERIODS = (
    ("2019-03-01", "2019-05-01"),
    ("2019-07-25", "2019-09-20"),
    ("2019-11-10", "2020-01-05"),
)
"""A quiet one; a gap and a redenomination; a halt that ends and a coin that dies."""


@st.composite
def small_funds(draw: st.DrawFn) -> Sections:
    """Up to nine coins over two months; every kind of order, schedule, venue, book."""
    kind = draw(st.sampled_from(KINDS))
    start, end = draw(st.sampled_from(PERIODS))
    sections: Sections = {
        "fund": {"seed": draw(st.integers(0, 99))},
        "data": {
            "assets": draw(st.integers(7, 9)),
            "bars": 400,
            "seed": draw(st.integers(0, 99)),
            "start": start,
            "end": end,
            "perpetuals": kind == "perpetuals",
        },
        "universe": {"size": 8, "min_history_bars": 5, "on_empty": "cash"},
        "signal": {"parameters": {"formation_bars": 10, "skip_bars": 1}},
        "portfolio": {
            "top_n": draw(st.integers(2, 8)),
            "max_weight": draw(st.sampled_from([0.2, 0.5, 1.0])),
            "gross": draw(st.sampled_from([0.4, 0.9, 1.0])),
            "no_trade_band": draw(st.sampled_from([0.0, 0.05])),
        },
        "schedule": {"every": draw(st.sampled_from(["daily", "3d", "weekly"]))},
        "execution": draw(executions()),
        "risk": {"max_weight": 1.5, "max_gross": 2.0},
        "venue": draw(venues()),
    }
    if kind != "spot":
        sections["portfolio"] |= {"long_short": True, "method": "quantiles"}
        sections["portfolio"] |= {"quantile": 0.4}
    if kind == "idealized":
        sections["costs"] = {"borrow_annual": 0.1}
    return sections


def executions() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "legs": st.sampled_from(["reduce_first", "together"]),
            "order_type": st.sampled_from(["market", "limit"]),
            "time_in_force": st.sampled_from(["gtc", "ioc", "post_only"]),
            "limit_offset_bps": st.sampled_from([-50.0, 0.0, 80.0]),
            "valid_bars": st.integers(1, 4),
            "fee_reserve": st.sampled_from([0.0, 0.01]),
        }
    )


def venues() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "latency_seconds": st.sampled_from([0.25, 45.0, 7_200.0]),
            "latency_jitter_seconds": st.sampled_from([0.0, 40.0]),
            "max_participation": st.sampled_from([0.0005, 0.05]),
            "remainder": st.sampled_from(["expire", "rest"]),
        }
    )
