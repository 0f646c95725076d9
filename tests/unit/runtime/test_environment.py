"""The environment fingerprint: what byte-exact repetition depends on (R1)."""

from __future__ import annotations

import json
import platform

import numpy as np
import pytest

import factortrader
from factortrader.runtime.environment import differences, fingerprint


def test_the_fingerprint_names_program_interpreter_and_libraries() -> None:
    """With their versions."""
    found = fingerprint()

    assert found["factortrader"] == factortrader.__version__
    assert found["python"] == platform.python_version()
    assert found["libraries"]["numpy"] == np.__version__
    assert {"machine", "system", "implementation", "cpu_features"} <= {*found}


def test_only_cpu_features_that_are_used_are_named() -> None:
    """Sorted, so that two fingerprints compare."""
    features = fingerprint()["cpu_features"]

    assert features == sorted(features)
    assert all(isinstance(name, str) for name in features)


def test_an_environment_is_that_of_its_own_manifest() -> None:
    """Written as JSON and read back, nothing differs."""
    written = json.loads(json.dumps(fingerprint()))

    assert differences(written, fingerprint()) == []


def test_a_difference_names_then_and_now() -> None:
    """One line each, sorted by name."""
    then = {"python": "3.11.0", "machine": "arm64", "system": "Linux"}
    now = {"python": "3.12.1", "machine": "x86_64", "system": "Linux"}

    assert differences(then, now) == [
        "machine: arm64 then, x86_64 now",
        "python: 3.11.0 then, 3.12.1 now",
    ]


def test_a_library_that_differs_is_named_alone() -> None:
    """Nobody wants to compare two lists of versions by eye."""
    then = {"libraries": {"numpy": "2.1.0", "scipy": "1.14.0", "pandas": "2.2.3"}}
    now = {"libraries": {"numpy": "2.3.0", "scipy": "1.14.0"}}

    assert differences(then, now) == [
        "libraries.numpy: 2.1.0 then, 2.3.0 now",
        "libraries.pandas: 2.2.3 then, None now",
    ]


def test_features_that_differ_are_named_alone() -> None:
    """Those that were there, and those that are."""
    then, now = {"cpu_features": ["AVX2", "SSE"]}, {"cpu_features": ["AVX512F", "SSE"]}

    assert differences(then, now) == ["cpu_features: AVX2 then, AVX512F now"]


@pytest.mark.parametrize("then", [None, "3.11", []])
def test_a_run_without_a_record_says_so(then: object) -> None:
    """There is nothing to compare with."""
    assert differences(then, fingerprint()) == [
        "the environment of the run is not recorded"
    ]
