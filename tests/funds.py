"""Small funds on a synthetic market: what end-to-end tests replay.

Each differs from the base in a few keys, so that together they walk every path of the
core: each strategy, each weight method, each order type, spot, perpetuals and
idealized shorts, a universe that changes, coins that die.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from factortrader.config.document import Document
from factortrader.config.fund import FundConfig
from factortrader.runtime.assembly import Fund, build_fund, config_of

BASE = """
[fund]
name = "test fund"
capital = 250_000
benchmark = "BTC"
seed = 11

[data]
source = "synthetic"
assets = 30
bars = 420
seed = 3

[universe]
size = 20
hysteresis = 0.2
min_history_bars = 20
on_empty = "cash"

[signal]
strategy = "factortrader_strategies.cross_sectional_momentum:CrossSectionalMomentum"
parameters = {formation_bars = 30, skip_bars = 2}

[portfolio]
method = "top_n"
top_n = 8
gross = 0.9
max_weight = 0.2
no_trade_band = 0.05

[schedule]
every = "weekly"

[execution]
order_type = "market"
fee_reserve = 0.01

[costs]
maker_bps = 8.0
taker_bps = 10.0
half_spread_bps = 5.0
impact_bps = 100.0
fee_tiers = [{traded_30d_quote = 500_000, maker_bps = 6.0, taker_bps = 8.0}]

[risk]
max_weight = 0.25
max_gross = 1.0
max_net = 1.0
max_turnover = 1.0
max_orders = 60
max_order_notional_quote = 100_000
max_participation = 0.05
collar_bps = 500.0

[venue]
adapter = "simulated"
latency_seconds = 0.25
max_participation = 0.05
"""

_SHORTS: Mapping[str, Any] = {
    "portfolio": {"long_short": True, "method": "quantiles", "quantile": 0.25},
    "risk": {"max_gross": 1.5},
}

FUNDS: Mapping[str, Mapping[str, Any]] = {
    "momentum": {},
    "reversal_daily": {
        "signal": {
            "strategy": "factortrader_strategies.short_term_reversal:ShortTermReversal",
            "parameters": {},
        },
        "schedule": {"every": "daily"},
        "portfolio": {"method": "inverse_volatility"},
    },
    "blend_limit_orders": {
        "signal": {
            "strategy": "factortrader_strategies.blend:Blend",
            "parameters": {"renormalize": True},
        },
        "factor": [
            {"use": "factortrader.factors.momentum:momentum", "weight": 1.0},
            {
                "use": "factortrader.factors.liquidity:amihud_illiquidity",
                "weight": 0.5,
                "transform": "rank",
            },
        ],
        "execution": {
            "order_type": "limit",
            "limit_offset_bps": -20.0,
            "valid_bars": 10,
        },
        "schedule": {"every": "3d"},
    },
    "post_only": {
        "execution": {"order_type": "limit", "time_in_force": "post_only"},
        "schedule": {"every": "2d"},
    },
    "immediate_or_cancel": {
        "execution": {
            "order_type": "limit",
            "time_in_force": "ioc",
            "limit_offset_bps": 30.0,
        },
        "portfolio": {"method": "proportional"},
    },
    "long_short_perpetuals": {"data": {"perpetuals": True}, **_SHORTS},
    "idealized_shorts": {"costs": {"borrow_annual": 0.08}, **_SHORTS},
    "legs_together": {"execution": {"legs": "together"}, "schedule": {"every": "3d"}},
    "equal_weight_monthly": {
        "signal": {
            "strategy": "factortrader_strategies.equal_weight:EqualWeight",
            "parameters": {},
        },
        "portfolio": {"top_n": 20, "max_weight": 0.1},
        "schedule": {"every": "monthly", "at": "00:00"},
    },
    "buy_and_hold": {
        "signal": {
            "strategy": "factortrader_strategies.buy_and_hold:BuyAndHold",
            "parameters": {},
        },
        "data": {"start": "2019-03-01"},
        "universe": {"on_empty": "refuse"},
        "portfolio": {"top_n": 10},
        "schedule": {"every": "once"},
    },
    "late_jittery_venue": {
        "venue": {
            "latency_seconds": 45.0,
            "latency_jitter_seconds": 40.0,
            "remainder": "rest",
            "max_participation": 0.001,
        },
        "schedule": {"every": "daily"},
    },
}


def tables(name: str, **sections: Mapping[str, Any]) -> dict[str, Any]:
    """The merged tables of a fund, with further changes on top."""
    merged = tomllib.loads(BASE)
    for changes in (FUNDS[name], sections):
        for section, value in changes.items():
            if isinstance(value, Mapping):
                merged[section] = {**merged.get(section, {}), **value}
            else:
                merged[section] = value
    return merged


def config(name: str, **sections: Mapping[str, Any]) -> FundConfig:
    """The fund as a parsed configuration."""
    document = Document(
        tables=tables(name, **sections), places={}, folder=Path(), name=f"{name}.toml"
    )
    return config_of(document)


def fund(name: str, **sections: Mapping[str, Any]) -> Fund:
    """The fund on its history."""
    return build_fund(config(name, **sections))
