"""A table becomes a settings class, or a list of everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factortrader.config.parsing import Problems, nearest, parse
from factortrader.errors import BadConfiguration, BadInput


@dataclass(frozen=True, kw_only=True)
class Tier:
    rate: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


@dataclass(frozen=True, kw_only=True)
class Settings:
    name: Annotated[str, msgspec.Meta(min_length=1)]
    count: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    share: Annotated[float, msgspec.Meta(gt=0.0, le=1.0)] = 0.5
    fee_bps: Annotated[float, msgspec.Meta(ge=0.0, le=1_000.0)] = 1.0
    kind: Literal["spot", "perpetual"] = "spot"
    start: str | None = None
    end: str | None = None
    words: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    first: Tier | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.start and self.end and self.start >= self.end:
            raise ValueError(f"start ({self.start}) must lie before end ({self.end})")
        if self.count == 7:
            raise ValueError("seven is nobody's number")
        if self.count == 8:
            raise BadInput("eight", code="eight", where="here", remedy="take\nnine")


def found(table: object) -> list[str]:
    problems = Problems()
    assert parse(Settings, table, path="s", problems=problems) is None
    return problems.found


def test_a_sound_table_becomes_its_class() -> None:
    """Numbers, lists, tables in tables; what is not said has its default."""
    problems = Problems()
    table = {
        "name": "x",
        "share": 1,
        "words": ["a"],
        "tiers": [{"rate": 0.5}],
        "first": {"rate": 1},
        "extra": {"anything": [1, {"goes": True}]},
    }

    parsed = parse(Settings, table, path="s", problems=problems)

    assert problems.found == []
    assert parsed == Settings(
        name="x",
        share=1.0,
        words=("a",),
        tiers=(Tier(rate=0.5),),
        first=Tier(rate=1.0),
        extra={"anything": [1, {"goes": True}]},
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cuont": 2}, "s.cuont: unknown key; did you mean 'count'?"),
        ({"CounT": 2}, "s.CounT: unknown key; did you mean 'count'?"),
        ({"count": 0}, "s.count: 0 is not allowed: a whole number ≥ 1 and ≤ 9"),
        ({"count": 2.0}, "s.count: 2.0 is not allowed: a whole number ≥ 1 and ≤ 9"),
        ({"count": "2"}, "s.count: '2' is not allowed: a whole number ≥ 1 and ≤ 9"),
        ({"count": True}, "s.count: True is not allowed: a whole number ≥ 1 and ≤ 9"),
        ({"name": ""}, "s.name: '' is not allowed: text and not empty"),
        ({"kind": "spto"}, "s.kind: 'spto' is not allowed: one of 'spot', 'perpetual'"),
        ({"words": "a"}, "s.words: 'a' is not allowed: a list of text"),
        ({"first": 3}, "s.first: 3 is not allowed: a table with rate"),
        (
            {"first": {"rate": 2}},
            "s.first.rate: 2 is not allowed: a number ≥ 0 and ≤ 1",
        ),
        ({"tiers": [{"rate": 0}, {}]}, "s.tiers.1.rate: is missing: a number ≥ 0"),
        ({"extra": 3}, "s.extra: 3 is not allowed: a table"),
        ({"start": 2019}, "s.start: 2019 is not allowed: text"),
        ({"count": 7}, "s: seven is nobody's number"),
        ({"count": 8}, "s: here: eight; take nine"),
        ({"start": "b", "end": "a"}, "s.start: start (b) must lie before end (a)"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(
    change: dict[str, object], said: str
) -> None:
    """One problem, at its path."""
    (problem,) = found({"name": "x", **change})

    assert problem.startswith(said)


def test_every_problem_is_found_at_once() -> None:
    """A person mends a file once."""
    said = found({"count": 0, "share": 2.0, "knid": "spot"})

    assert [problem.partition(":")[0] for problem in said] == [
        "s.knid",
        "s.name",
        "s.count",
        "s.share",
    ]


@pytest.mark.parametrize(
    ("key", "value", "hint"),
    [
        ("share", 95, "it is a fraction: 95 % is 0.95"),
        ("share", 2.5, "it is a fraction: 2.5 % is 0.025"),
        ("share", 101, None),
        ("share", -3, None),
        ("fee_bps", 2_000, None),
        ("count", 50, None),
    ],
)
def test_percent_is_recognized_where_a_fraction_is_meant(
    key: str, value: float, hint: str | None
) -> None:
    """Of fractions only, and only where it would be one."""
    (problem,) = found({"name": "x", key: value})

    assert ("it is a fraction" in problem) == (hint is not None)
    assert hint is None or hint in problem


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "95%", None, [0.5], {}])
def test_a_bounded_number_is_a_number(value: object) -> None:
    """Neither NaN nor infinity nor text passes a range."""
    assert found({"name": "x", "share": value})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3, "must be a table [s], got 3"),
        ([{"name": "x"}], "is one table: write [s], not [[s]]"),
    ],
)
def test_a_section_is_one_table(value: object, said: str) -> None:
    """A value and a list of tables are told apart."""
    assert found(value) == [f"s: {said}"]


def test_a_whole_document_has_no_path() -> None:
    """Its keys stand alone."""
    problems = Problems()

    parse(Settings, {"cuont": 1}, path="", problems=problems)

    assert problems.found[0].startswith("cuont: unknown key")
    assert problems.found[1].startswith("name: is missing")


def test_what_is_built_elsewhere_is_no_key() -> None:
    """A given field is neither missing nor may a table say it."""
    problems = Problems()
    table = {"count": 2, "name": "said"}

    parsed = parse(Settings, table, path="s", problems=problems, given={"name": "x"})

    assert parsed is None
    assert problems.found[0].startswith("s.name: unknown key")


def test_a_problem_stands_where_its_key_was_written() -> None:
    """Or where what holds it was; the first of several tables stands for them."""
    problems = Problems({"a": "f, line 1", "a.b": "f, line 2", "c.0": "f, line 3"})

    assert problems.place("a.b") == "f, line 2"
    assert problems.place("a.x.y") == "f, line 1"
    assert problems.place("c") == "f, line 3"
    assert problems.place("d.e") == ""


def test_problems_are_raised_together() -> None:
    """None raises nothing; two are counted."""
    problems = Problems()
    problems.raise_if_any("f")
    problems.add("a", "no")
    problems.add("b", "no")

    with pytest.raises(BadConfiguration, match="2 problems") as refusal:
        problems.raise_if_any("f")

    assert refusal.value.problems == ("a: no", "b: no")
    assert refusal.value.where == "f"
    assert refusal.value.exit_code == 2


def test_many_known_names_are_not_all_listed() -> None:
    """A hint is short, however many there are."""
    many = [f"asset{number:03}" for number in range(499)]
    many.append("bitcoin")

    assert nearest("BITCION", many) == "; did you mean 'bitcoin'?"
    assert nearest("zzz", many).startswith(
        "; 500 are known, such as asset000, asset001"
    )
    assert len(nearest("zzz", many)) < 100
    assert nearest("zzz", []) == ""


@given(st.dictionaries(st.text(max_size=8), st.none() | st.booleans() | st.text()))
def test_no_table_makes_it_fail(table: dict[str, object]) -> None:
    """Whatever is written is parsed, or noted: nothing is raised."""
    problems = Problems()

    parsed = parse(Settings, table, path="s", problems=problems)

    assert (parsed is None) == bool(problems.found)
