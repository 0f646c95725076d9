"""Files, bases and overrides become one document that knows where each key stands."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factortrader.config.document import key_places, read
from factortrader.errors import BadInput

BASE = """
[fund]
name = "base"
seed = 1

[risk]
max_weight = 0.1
"""
ABOVE = """
extends = "base.toml"
[fund]
name = "above"
[[factor]]
use = "a:b"
weight = 1.0
[[factor]]
use = "c:d"
"""


@pytest.fixture
def above(tmp_path: Path) -> Path:
    (tmp_path / "base.toml").write_text(BASE)
    path = tmp_path / "above.toml"
    path.write_text(ABOVE)
    return path


def test_a_document_covers_its_base_key_by_key(above: Path) -> None:
    """What is not said again keeps the base's value; `extends` itself is gone."""
    document = read(above)

    assert document.tables["fund"] == {"name": "above", "seed": 1}
    assert document.tables["risk"] == {"max_weight": 0.1}
    assert "extends" not in document.tables
    assert (document.folder, document.name) == (above.parent, str(above))


def test_each_key_knows_the_file_and_line_that_had_the_last_word(above: Path) -> None:
    """Sections, keys and the entries of a list of tables."""
    places = read(above).places

    assert places["fund.name"] == "above.toml, line 4"
    assert places["fund.seed"] == "base.toml, line 4"
    assert places["risk"] == "base.toml, line 6"
    assert places["factor.0.weight"] == "above.toml, line 7"
    assert places["factor.1"] == "above.toml, line 8"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[a] # with a comment\nb = 1", "a.b"),
        ("[ a ]\nb=1", "a.b"),
        ('[a]\n"b" = 1', "a.b"),
        ("[a]\n'b' = 1", "a.b"),
        ("[a.c]\nb = 1", "a.c.b"),
        ("x = 1\na.b = 1", "a.b"),
    ],
)
def test_a_key_is_found_however_it_is_written(text: str, path: str) -> None:
    """Quotes, blanks, comments and dots do not hide it."""
    assert key_places(text, "f")[path] == "f, line 2"


@pytest.mark.parametrize(
    ("override", "value"),
    [
        ("fund.seed=7", 7),
        ("fund.seed = 7", 7),
        ('fund.seed="7"', "7"),
        ("fund.seed=seven", "seven"),
        ("fund.seed=[1, 2]", [1, 2]),
        ("fund.seed=a=b", "a=b"),
        ("fund.seed=", ""),
    ],
)
def test_an_override_is_a_toml_value_or_a_word(
    above: Path, override: str, value: object
) -> None:
    """It has the last word, and its place is the option."""
    document = read(above, overrides=[override])

    assert document.tables["fund"]["seed"] == value
    assert document.places["fund.seed"] == "--set"


def test_an_override_reaches_into_a_list_of_tables(above: Path) -> None:
    """By the number of the entry; the other entries stay."""
    document = read(above, overrides=["factor.1.weight=0.5"])

    assert document.tables["factor"] == [
        {"use": "a:b", "weight": 1.0},
        {"use": "c:d", "weight": 0.5},
    ]


def test_an_override_leaves_the_file_alone(above: Path) -> None:
    """Reading again without it gives what is written."""
    read(above, overrides=["fund.seed=7"])

    assert read(above).tables["fund"]["seed"] == 1


@given(st.text(alphabet=".= ", max_size=6))
def test_an_override_without_a_whole_key_is_refused(text: str) -> None:
    """Dots, blanks and equals signs alone name nothing."""
    path = Path(__file__).parents[3] / "config" / "momentum.toml"

    with pytest.raises(BadInput, match=r"--set wants section\.key=value"):
        read(path, overrides=[text])


def test_a_base_may_have_a_base(tmp_path: Path) -> None:
    """Each is relative to the file that extends it."""
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "root.toml").write_text("a = 1\nb = 1\nc = 1\n")
    (tmp_path / "deep" / "mid.toml").write_text('extends = "root.toml"\nb = 2\nc = 2\n')
    top = tmp_path / "top.toml"
    top.write_text('extends = "deep/mid.toml"\nc = 3\n')

    assert read(top).tables == {"a": 1, "b": 2, "c": 3}


def test_a_circle_of_bases_is_told_as_it_closes(tmp_path: Path) -> None:
    """Every file of the circle is named in order, and the line that closes it."""
    for name, base in (("a", "b"), ("b", "c"), ("c", "a")):
        (tmp_path / f"{name}.toml").write_text(f'\nextends = "{base}.toml"\n')

    with pytest.raises(BadInput) as refusal:
        read(tmp_path / "a.toml")

    assert refusal.value.where == str(tmp_path / "c.toml, line 2")
    assert refusal.value.why == "a.toml extends b.toml extends c.toml extends a.toml"


@pytest.mark.parametrize("base", ["3", "{file = 'b.toml'}", "['b.toml']"])
def test_a_base_that_is_no_name_is_refused(tmp_path: Path, base: str) -> None:
    """Only text names a file."""
    path = tmp_path / "a.toml"
    path.write_text(f"extends = {base}")

    with pytest.raises(BadInput, match="extends must name a file"):
        read(path)


def test_a_base_that_is_not_there_says_who_wants_it(tmp_path: Path) -> None:
    """The missing file is the place, the extending one the reason."""
    path = tmp_path / "a.toml"
    path.write_text('extends = "gone.toml"')

    with pytest.raises(BadInput, match=r"a\.toml extends cannot be read") as refusal:
        read(path)

    assert refusal.value.where == str(tmp_path / "gone.toml")
    assert refusal.value.why == "No such file or directory"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A folder, an absent file and bytes that are no text."""
    binary = tmp_path / "b.toml"
    binary.write_bytes(b"\xff\xfe")

    for path in (tmp_path, tmp_path / "absent.toml", binary):
        with pytest.raises(BadInput, match="the configuration cannot be read"):
            read(path)


def test_broken_toml_names_its_line(tmp_path: Path) -> None:
    """The parser knows the line; the message leads with it."""
    path = tmp_path / "a.toml"
    path.write_text("[fund]\nname = 1\nname = 2\n")

    with pytest.raises(BadInput, match="no_toml") as refusal:
        read(path)

    assert refusal.value.where == f"{path}, line 3"
