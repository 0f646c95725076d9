"""Mappings say everything about a file, and are refused where they do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from factortrader.errors import BadConfiguration, BadInput
from factortrader_adapters.history.mapping import read_mapping

SHIPPED = sorted(
    (Path(__file__).resolve().parents[3] / "config" / "data").glob("*.toml")
)
SOUND = """
interval = "1d"
[columns]
time = "ts"
asset = "symbol"
close = "close"
[instruments]
quote = "USD"
"""


def problems_of(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(BadConfiguration) as refusal:
        read_mapping(path)
    return str(refusal.value)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_mapping_is_sound(path: Path) -> None:
    """The mappings in config/data parse without a problem."""
    assert read_mapping(path).mapping.columns["asset"]


def test_a_sound_mapping_is_read_with_its_digest(tmp_path: Path) -> None:
    """What is not said has its default; the digest is that of the text."""
    path = tmp_path / "m.toml"
    path.write_text(SOUND)

    read = read_mapping(path)

    assert read.mapping.stamps == "open"
    assert read.mapping.interval_ns == 86_400 * 10**9
    assert len(read.digest) == 64


def test_unknown_keys_are_refused_with_the_nearest_known_one(tmp_path: Path) -> None:
    """Every misspelled key is named in one refusal, each with a suggestion."""
    text = SOUND.replace("interval", "intervall").replace("quote", "qoute")

    said = problems_of(tmp_path / "m.toml", text)

    assert "intervall (m.toml, line 2): unknown key; did you mean 'interval'?" in said
    assert "instruments.qoute (m.toml, line 8): unknown key" in said
    assert "did you mean 'quote'?" in said


def test_unknown_and_missing_fields_are_named_together(tmp_path: Path) -> None:
    """[columns] is checked against the fields of its kind."""
    said = problems_of(
        tmp_path / "m.toml", SOUND.replace('close = "close"', 'clsoe = "close"')
    )

    assert (
        "columns.clsoe (m.toml, line 6): no field of kind 'bars'; "
        "did you mean 'close'?" in said
    )
    assert "columns.close (m.toml, line 3): is missing" in said


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('interval = "1d"', 'interval = "daily"', "interval (m.toml, line 2)"),
        (
            'interval = "1d"',
            'interval = "1d"\ntolerance = "soon"',
            "tolerance (m.toml, line 3)",
        ),
        ('interval = "1d"', 'interval = "1d"\nstamps = "middle"', "stamps"),
        ('interval = "1d"', 'interval = "1d"\ndelimiter = ";;"', "delimiter"),
        ('[instruments]\nquote = "USD"', "", "quote currency"),
        (
            'quote = "USD"',
            'quote = "USD"\nmultiplier = "one"',
            "instruments.multiplier",
        ),
        ('interval = "1d"', 'interval = "1d"\nzone = "Mars"', "no time zone 'Mars'"),
        ('interval = "1d"', "interval = 1", "1 is not allowed: text"),
        ('close = "close"', 'close = "close"\n[zero_is_unknown]\nclose = true', "zero"),
        ('close = "close"', 'close = "close"\nparts = "bars"', "full_parts"),
    ],
)
def test_values_that_cannot_be_meant_are_refused(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    """A wrong value is named by its key."""
    assert said in problems_of(tmp_path / "m.toml", SOUND.replace(old, new))


def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path) -> None:
    """Absent files and broken TOML are bad input, not a crash."""
    broken = tmp_path / "broken.toml"
    broken.write_text("columns = [")

    with pytest.raises(BadInput, match=r"no_toml. .*broken\.toml"):
        read_mapping(broken)
    with pytest.raises(BadInput, match="mapping_unreadable"):
        read_mapping(tmp_path / "absent.toml")
