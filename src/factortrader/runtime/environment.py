"""The environment fingerprint: what byte-exact repetition depends on (R1)."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import factortrader

_LIBRARIES: Final = ("numpy", "pandas", "pyarrow", "msgspec", "sqlalchemy")


def fingerprint() -> dict[str, object]:
    """Versions, interpreter, machine and the CPU features that NumPy uses."""
    import numpy as np

    umath = np._core._multiarray_umath  # type: ignore[attr-defined]  # noqa: SLF001
    features = umath.__cpu_features__
    return {
        "factortrader": factortrader.__version__,
        "python": platform.python_version(),
        "implementation": sys.implementation.name,
        "machine": platform.machine(),
        "system": platform.system(),
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "cpu_features": sorted(name for name, on in features.items() if on),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def differences(then: object, now: object) -> list[str]:
    """What of two fingerprints differs, in words."""
    if not isinstance(then, dict) or not isinstance(now, dict):
        return ["the environment of the run is not recorded"]
    found: list[str] = []
    for key in sorted({*then, *now}):
        before, after = then.get(key), now.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            found += [f"{key}.{line}" for line in differences(before, after)]
            continue
        if isinstance(before, list) and isinstance(after, list):
            gone, come = _only_in(before, after), _only_in(after, before)
            found.append(f"{key}: {gone} then, {come} now")
            continue
        found.append(f"{key}: {before} then, {after} now")
    return found


def _only_in(these: list[Any], others: list[Any]) -> str:
    return " ".join(str(each) for each in these if each not in others) or "nothing more"
