"""What a replay's report must say beside its numbers: stamps and assumptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

import numpy as np

from factortrader.analytics.results import RunFacts
from factortrader.runtime.assembly import Fund


def run_facts(fund: Fund) -> RunFacts:
    """The facts of a replay of this fund."""
    return RunFacts(
        fund=fund.config.fund.name,
        quote=fund.config.fund.quote,
        interval_ns=fund.history.panel.interval_ns,
        instruments=fund.history.instruments,
        stamps=_stamps(fund),
        limits=asdict(fund.config.risk),
        assumptions=_assumptions(fund),
        notes=fund.history.notes,
        configuration=fund.config.effective,
    )


def _stamps(fund: Fund) -> tuple[str, ...]:
    panel = fund.history.panel
    found = {
        "SYNTHETIC DATA": fund.history.synthetic,
        "SURVIVOR-BIASED": _knew_the_future(fund),
        "IDEALIZED SHORTS": any(each.idealized for each in fund.history.instruments),
        "NO OPEN PRICES": _never(panel.raw("open"), panel.listed),
        "NO VOLUME CAP": _never(panel.dollar_volume(), panel.listed),
    }
    return tuple(stamp for stamp, holds in found.items() if holds)


def _knew_the_future(fund: Fund) -> bool:
    """The data was collected with hindsight, or the fund names the assets it may hold
    instead of a rule for them (DESIGN §7).
    """
    included = fund.config.universe.include
    names_assets = any(set("*?[").isdisjoint(each) for each in included)
    return fund.history.survivor_biased or names_assets


def _never(values: np.ndarray, listed: np.ndarray) -> bool:
    """No bar that exists has a value."""
    return not np.isfinite(values[listed]).any()


def _assumptions(fund: Fund) -> Mapping[str, str]:
    config = fund.config
    costs, venue = config.costs, config.venue
    fill = "the open of the bar after the decision, plus half spread and impact"
    printed = "open"
    if "NO OPEN PRICES" in _stamps(fund):
        fill = "the close of the bar after the decision: this data has no open"
        printed = "close"
        if config.execution.legs == "reduce_first":
            fill += "; what adds waits for what reduces and fills one bar later"
    haircut = (
        f"at the last price less {config.universe.haircut:.0%}"
        if config.universe.on_disappearance == "haircut"
        else "at the last price"
    )
    return {
        "Decision": "on a bar's close; nothing fills on what was known by then",
        "Fill": fill,
        "Latency": f"{venue.latency_seconds:g} s, orders within "
        f"{venue.print_budget_seconds:g} s of a close share the next {printed}",
        "Fees": f"maker {costs.maker_bps:g} bps, taker {costs.taker_bps:g} bps"
        + (f", {len(costs.fee_tiers)} further tiers" if costs.fee_tiers else ""),
        "Spread and impact": f"half spread {costs.half_spread_bps:g} bps, impact "
        f"{costs.impact_bps:g} bps × √(share of the bar's volume)",
        "Participation": f"at most {venue.max_participation:.1%} of a bar's volume "
        "per asset; the rest of a market order "
        + ("expires" if venue.remainder == "expire" else "rests"),
        "Short positions": (
            f"idealized perpetuals at {costs.borrow_annual:.1%} a year"
            if costs.borrow_annual is not None
            and any(each.idealized for each in fund.history.instruments)
            else "as the instruments allow"
        ),
        "Disappearance": "after 10 bars without a print a position is settled: a long "
        f"{haircut}, a short at the last price; where the table of lives gives a "
        "reason, by that reason; where only the download ended, at the last price. A "
        "ticker that returns is a new instrument",
        "Liquidation": "perpetuals are liquidated at a bar's close when equity is below "
        "their maintenance margin; what happens within a bar is not seen",
        "Year": "365 days of 24 hours",
    }
