"""The wheel is complete, and starting the program costs next to nothing."""

from __future__ import annotations

import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
NOT_OURS: Final = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache"})
HEAVY: Final = (
    "aiohttp",
    "ccxt",
    "pandas",
    "plotly",
    "pyarrow",
    "rich",
    "scipy",
    "sqlalchemy",
)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    folder = tmp_path_factory.mktemp("wheel")
    run("-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        yield archive


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_three_packages(
    wheel: zipfile.ZipFile,
) -> None:
    """What is importable from a checkout is importable from the wheel."""
    packages = {
        "factortrader": ROOT / "src",
        "factortrader_adapters": ROOT / "adapters",
        "factortrader_strategies": ROOT / "strategies",
    }
    expected = {
        path.relative_to(root).as_posix()
        for package, root in packages.items()
        for path in (root / package).rglob("*.*")
        if path.is_file() and not NOT_OURS.intersection(path.parts)
    }

    shipped = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert {f"{package}/py.typed" for package in packages} <= expected
    assert expected == shipped


@pytest.mark.slow
def test_the_wheel_declares_every_entry_point(wheel: zipfile.ZipFile) -> None:
    """The command and each adapter's short name survive the packaging."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = settings["project"]
    groups = {"console_scripts": project["scripts"], **project["entry-points"]}
    (name,) = (each for each in wheel.namelist() if each.endswith("entry_points.txt"))

    lines = wheel.read(name).decode().splitlines()

    for group, points in groups.items():
        assert f"[{group}]" in lines
        for short, target in points.items():
            assert f"{short} = {target}" in lines


@pytest.mark.slow
def test_every_entry_point_leads_somewhere() -> None:
    """No short name points at a module or object that does not exist."""
    code = (
        "from importlib.metadata import distribution\n"
        "for point in distribution('factortrader').entry_points: point.load()\n"
    )

    run("-c", code)


@pytest.mark.slow
@pytest.mark.parametrize(
    "start",
    [
        "import factortrader",
        "import factortrader.cli as cli; cli.main(['--version'])",
        "import factortrader.cli as cli; cli.main(['--help'])",
        "import factortrader.cli as cli; cli.main(['replay', '--help'])",
        "import factortrader.cli as cli; cli.main(['data', '--help'])",
    ],
)
def test_a_help_page_loads_nothing_heavy(start: str) -> None:
    """Reading about a verb costs an interpreter, not a numerical library."""
    assert not loaded_by(start).intersection({*HEAVY, "numpy"})


@pytest.mark.slow
def test_the_decision_path_loads_nothing_heavy() -> None:
    """The core does without frames, plots, databases and exchanges."""
    assert not loaded_by("import factortrader.runtime.engine").intersection(HEAVY)


def loaded_by(start: str) -> set[str]:
    """Top-level modules in a fresh interpreter after this line."""
    code = (
        "import sys\n"
        f"try: {start}\n"
        "except SystemExit: pass\n"
        "print(*{name.split('.')[0] for name in sys.modules})\n"
    )
    loaded = set(run("-c", code).splitlines()[-1].split())
    assert "factortrader" in loaded
    return loaded


def run(*arguments: str) -> str:
    """What a fresh interpreter prints; its own words if it fails."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
