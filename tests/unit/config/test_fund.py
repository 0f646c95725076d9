"""A document becomes a fund: sections into settings, adapters by name."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests import funds

from factortrader.config.document import Document
from factortrader.config.fund import (
    FactorSettings,
    FundConfig,
    FundSettings,
    PeriodSettings,
    read_fund,
)
from factortrader.config.parsing import Problems
from factortrader.units import parse_time_ns


@dataclass(frozen=True, kw_only=True)
class TapeSettings:
    """A source of the tests."""

    reels: int


@dataclass(frozen=True, kw_only=True)
class PitSettings:
    """A venue of the tests."""

    loud: bool = True


ADAPTERS = {("sources", "tape"): TapeSettings, ("venues", "pit"): PitSettings}


def settings_of(group: str, name: str) -> type[Any]:
    if (group, name) not in ADAPTERS:
        raise LookupError(f"no adapter {name!r} among the {group}")
    return ADAPTERS[group, name]


def document(**sections: object) -> Document:
    tables = tomllib.loads(funds.BASE)
    tables |= {"data": {"source": "tape", "reels": 3}, "venue": {"adapter": "pit"}}
    for section, value in sections.items():
        merge = isinstance(value, Mapping) and section in tables
        tables[section] = {**tables[section], **value} if merge else value  # type: ignore[dict-item]
    return Document(tables=tables, places={}, folder=Path(), name="f.toml")


def parsed(**sections: object) -> FundConfig:
    problems = Problems()
    config = read_fund(document(**sections), settings_of=settings_of, problems=problems)
    assert problems.found == []
    assert config is not None
    return config


def refused(**sections: object) -> list[str]:
    problems = Problems()
    assert (
        read_fund(document(**sections), settings_of=settings_of, problems=problems)
        is None
    )
    return problems.found


def test_a_source_and_a_venue_own_what_stands_beside_their_names() -> None:
    """The period is shared; the rest of [data] and [venue] is the adapter's."""
    config = parsed(
        data={"start": "2020-01-01"}, venue={"adapter": "pit", "loud": False}
    )

    assert config.source == TapeSettings(reels=3)
    assert (config.venue_name, config.venue) == ("pit", PitSettings(loud=False))
    assert config.period.start_ns == parse_time_ns("2020-01-01")
    assert config.period.end_ns is None


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        (
            {"data": {"source": "tap"}},
            "data.source: no adapter 'tap' among the sources",
        ),
        ({"venue": {"adapter": "pti"}}, "venue.adapter: no adapter 'pti'"),
        ({"data": {"reels": "many"}}, "data.reels: 'many' is not allowed"),
        ({"venue": {"laud": True}}, "venue.laud: unknown key; did you mean 'loud'?"),
        ({"vneue": {}}, "vneue: unknown section; did you mean 'venue'?"),
        ({"data": 3}, "data: must be a table [data], got 3"),
        ({"venue": [{"adapter": "pit"}]}, "venue: is one table: write [venue]"),
        ({"factor": {"use": "a:b"}}, "factor: write each factor as a [[factor]] table"),
        ({"factor": [{"use": "a:b"}, {}]}, "factor.1.use: is missing: text"),
        ({"factor": ["a:b"]}, "factor.0: must be a table"),
        (
            {"factor": [{"use": "a:b", "weight": float("inf")}]},
            "factor.0.weight: weight must be a number other than 0, got inf",
        ),
        ({"fund": {"seed": -1}}, "fund.seed: -1 is not allowed: a whole number ≥ 0"),
        ({"fund": {"capital": 0}}, "fund.capital: 0 is not allowed: a number > 0"),
    ],
)
def test_a_problem_stands_at_its_key(sections: dict[str, object], said: str) -> None:
    """One mistake is one problem."""
    (problem,) = refused(**sections)

    assert problem.startswith(said)


def test_all_sections_are_judged_before_anything_is_refused() -> None:
    """Nobody mends a file one section at a time."""
    said = refused(
        fund={"seed": -1}, risk={"max_orders": -1}, data={"reels": ""}, extra={}
    )

    assert [problem.partition(":")[0] for problem in said] == [
        "extra",
        "fund.seed",
        "risk.max_orders",
        "data.reels",
    ]


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2020-02-30", None, "start is an ISO date or time such as"),
        (None, "tomorrow", "end is an ISO date or time"),
        ("01.02.2020", None, "got '01.02.2020'"),
        ("2020-01-02", "2020-01-01", "start (2020-01-02) must lie before end"),
        ("2020-01-01", "2020-01-01", "must lie before"),
        ("2020-01-01T01:00+02:00", "2019-12-31T23:00Z", "must lie before"),
    ],
)
def test_a_period_that_holds_no_bar_is_refused(
    start: str | None, end: str | None, said: str
) -> None:
    """No date, no order, or the same instant in two zones."""
    with pytest.raises(ValueError, match=r"^(start|end) ") as refusal:
        PeriodSettings(start=start, end=end)

    assert said in str(refusal.value)


def test_a_time_with_a_zone_is_that_instant() -> None:
    """Nine in the morning in Tokyo is midnight in UTC; no zone is UTC."""
    period = PeriodSettings(start="2020-01-01T09:00+09:00", end="2020-01-02")

    assert period.start_ns == parse_time_ns("2020-01-01")
    assert period.end_ns == parse_time_ns("2020-01-02T00:00Z")


def test_capital_becomes_the_shortest_decimal() -> None:
    """What was typed, not what a float makes of it."""
    assert FundSettings(name="x", capital=0.1).capital_quote == Decimal("0.1")


def test_a_factor_counts_once_unless_it_says_otherwise() -> None:
    """The defaults of a [[factor]] table."""
    assert (FactorSettings(use="a:b").weight, FactorSettings(use="a:b").rows) == (
        1,
        None,
    )


def test_the_digest_is_of_what_the_configuration_says() -> None:
    """The order of its sections does not matter, any value does."""
    config, other = parsed(), parsed(fund={"seed": 12})
    turned = Document(
        tables=dict(reversed(config.document.tables.items())),
        places={},
        folder=Path(),
        name="g.toml",
    )
    same = read_fund(turned, settings_of=settings_of, problems=Problems())

    assert same is not None
    assert same.digest == config.digest
    assert other.digest != config.digest
