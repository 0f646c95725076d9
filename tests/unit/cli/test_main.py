"""The command line: which exit code means what, and what is imported when."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import factortrader
from factortrader.cli import build_parser, main

PROBE = '''
"""A verb that ends as it is told to."""

from factortrader.cli.output import say
from factortrader.errors import BadInput, BrokenInvariant, NoAnswer

ENDS = {
    "no": NoAnswer("the chain is broken", code="broken_link", where="message 7"),
    "bad": BadInput("no such file", code="file", why="gone", remedy="make one"),
    "broken": BrokenInvariant("columns may only be appended", where="tape"),
    "bug": ZeroDivisionError("of ours"),
    "interrupt": KeyboardInterrupt(),
    "pipe": BrokenPipeError(),
}


class Probe:
    name = "probe"
    help = "end as told"

    def configure(self, parser):
        parser.add_argument("end")

    def run(self, arguments):
        if arguments.end in ENDS:
            raise ENDS[arguments.end]
        say("done")
        return int(arguments.end)


COMMAND = Probe()
'''


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that brings the verb `probe`."""
    package = tmp_path / "installed"
    record = package / "probe-1.0.dist-info"
    record.mkdir(parents=True)
    (package / "probe_verb.py").write_text(PROBE)
    (record / "METADATA").write_text("Name: probe\nVersion: 1.0\n")
    (record / "entry_points.txt").write_text(
        "[factortrader.commands]\nprobe = probe_verb:COMMAND\n"
    )
    monkeypatch.syspath_prepend(str(package))
    monkeypatch.delenv("FACTORTRADER_TRACEBACK", raising=False)


def python(*words: str, stdout: int = subprocess.PIPE) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("PYTHONUNBUFFERED", None)
    return subprocess.Popen(
        [sys.executable, *words],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("0", 0, ""),
        ("1", 1, ""),
        ("no", 1, "error: [broken_link] message 7: the chain is broken\n"),
        ("bad", 2, "error: [file] no such file\n  gone\n  make one\n"),
        ("broken", 3, "error: [invariant] tape: columns may only be appended\n"),
        (
            "interrupt",
            130,
            "error: interrupted; nothing half-written was left behind\n",
        ),
    ],
)
def test_an_end_has_its_exit_code_and_its_words(
    end: str, code: int, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors say what, where, why and what to do, on stderr, without a traceback."""
    assert main(["probe", end]) == code

    printed = capsys.readouterr()
    assert printed.err == said
    assert printed.out == ("" if said else "done\n")


def test_a_bug_of_ours_is_said_kindly(capsys: pytest.CaptureFixture[str]) -> None:
    """No traceback unless one asks for it; then there is one."""
    assert main(["probe", "bug"]) == 3

    said = capsys.readouterr().err
    assert said.startswith("error: [internal] ZeroDivisionError: of ours\n")
    assert "FACTORTRADER_TRACEBACK=1 shows where" in said
    assert "Traceback" not in said


def test_a_traceback_is_shown_to_whoever_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a bug, and of an error."""
    monkeypatch.setenv("FACTORTRADER_TRACEBACK", "1")

    for end in ("bug", "broken"):
        assert main(["probe", end]) == 3
        assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["reply"], ["probe"], ["probe", "0", "--fast"]])
def test_wrong_usage_is_exit_code_2(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """No verb, an unknown one, too few words, an unknown option."""
    with pytest.raises(SystemExit) as ended:
        main(words)

    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: factortrader")


def test_an_unknown_verb_is_named_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of the core and of every adapter."""
    with pytest.raises(SystemExit):
        main(["reply"])

    said = capsys.readouterr().err
    assert "'reply'" in said
    for verb in ("demo", "replay", "verify", "factor", "data", "probe"):
        assert verb in said


def test_the_version_is_the_packages(capsys: pytest.CaptureFixture[str]) -> None:
    """And exit code 0."""
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"factortrader {factortrader.__version__}\n"


def test_a_missing_configuration_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A real verb: the path is named, and nothing was written."""
    missing = tmp_path / "fund.toml"

    assert main(["replay", str(missing), "--out", str(tmp_path / "run")]) == 2

    assert str(missing) in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_a_core_verb_does_not_import_the_adapters_verbs(tmp_path: Path) -> None:
    """Whoever verifies a run does not load what imports data."""
    sys.modules.pop("probe_verb", None)

    main(["verify", str(tmp_path)])

    assert "probe_verb" not in sys.modules


def test_the_parser_of_the_documentation_has_every_verb() -> None:
    """Configured, adapters' verbs included."""
    text = build_parser().format_help()

    for verb in ("demo", "replay", "verify", "factor", "data", "probe"):
        assert verb in text


@pytest.mark.slow
@pytest.mark.parametrize("words", [["factor", "list"], ["--help"], ["probe", "0"]])
def test_a_reader_who_has_read_enough_is_no_error(words: list[str]) -> None:
    """`factortrader … | head -1`: no traceback, no noise, exit code 0."""
    reading, writing = os.pipe()
    os.close(reading)
    script = "import sys; from factortrader.cli import main; sys.exit(main())"
    with python("-c", script, *words, stdout=writing) as child:
        os.close(writing)
        _, said = child.communicate()

    assert (child.returncode, said) == (0, "")
