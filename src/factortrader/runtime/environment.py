"""The environment fingerprint: what byte-exact repetition depends on (R1)."""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Final

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
    return [
        f"{key}: {then.get(key)} then, {now.get(key)} now"
        for key in sorted({*then, *now})
        if then.get(key) != now.get(key)
    ]
