"""What a run may be accused of stands in its report's banner."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests import funds

from factortrader.runtime.assembly import Fund
from factortrader.runtime.facts import run_facts

SMALL = {"assets": 6, "bars": 60}


def fund(name: str = "momentum", **sections: object) -> Fund:
    """A small one; its universe may be empty."""
    universe = {"min_history_bars": 5, **dict(sections.pop("universe", {}))}  # type: ignore[call-overload]
    return funds.fund(name, data=SMALL, universe=universe)


def recorded(fund: Fund, *unknown: str) -> Fund:
    """The fund as if its data had been imported, without these fields."""
    panel = fund.history.panel
    fields = {
        name: np.full_like(values, np.nan) if name in unknown else values
        for name, values in panel.fields.items()
    }
    history = replace(
        fund.history, synthetic=False, panel=replace(panel, fields=fields)
    )
    return replace(fund, history=history)


def test_a_synthetic_market_is_called_one() -> None:
    """On every report on it; recorded data without a flaw has no stamp."""
    assert run_facts(fund()).stamps == ("SYNTHETIC DATA",)
    assert run_facts(recorded(fund())).stamps == ()


def test_data_collected_with_hindsight_is_survivor_biased() -> None:
    """Whatever the fund does with it."""
    known = recorded(fund())
    history = replace(known.history, survivor_biased=True)

    assert run_facts(replace(known, history=history)).stamps == ("SURVIVOR-BIASED",)


@pytest.mark.parametrize(
    ("include", "stamps"),
    [(["*"], ()), (["B*", "S0??"], ()), (["*", "BTC"], ("SURVIVOR-BIASED",))],
)
def test_a_fund_that_names_its_assets_is_survivor_biased(
    include: list[str], stamps: tuple[str, ...]
) -> None:
    """A rule is point in time, a name is not: somebody knew it would live."""
    named = recorded(fund(universe={"include": include}))

    assert run_facts(named).stamps == stamps


def test_data_without_opens_or_volume_is_stamped_and_says_where_it_fills() -> None:
    """Orders share the next close where there is no open."""
    facts = run_facts(recorded(fund(), "open", "volume", "quote_volume"))

    assert facts.stamps == ("NO OPEN PRICES", "NO VOLUME CAP")
    assert facts.assumptions is not None
    assert facts.assumptions["Fill"].startswith("the close of the bar after")
    assert facts.assumptions["Latency"].endswith("share the next close")
    usual = run_facts(recorded(fund())).assumptions
    assert usual is not None
    assert usual["Latency"].endswith("share the next open")


def test_idealized_shorts_are_stamped_with_their_carry() -> None:
    """Only where the fund may sell short what cannot be borrowed."""
    facts = run_facts(recorded(fund("idealized_shorts")))

    assert facts.stamps == ("IDEALIZED SHORTS",)
    assert facts.assumptions is not None
    assert facts.assumptions["Short positions"] == "idealized perpetuals at 8.0% a year"
