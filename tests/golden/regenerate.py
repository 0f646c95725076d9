"""Replay every fund of tests/funds.py and keep what it comes to.

    python tests/golden/regenerate.py

Prints what moved. Run it when behavior was meant to change, and commit the new
tests/golden/results.toml together with the change.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.golden import results


def main() -> None:
    kept = results.read() if results.FILE.exists() else {}
    now = results.replayed_results()
    for name, result in now.items():
        moved = results.differences(kept[name], result) if name in kept else ["new"]
        for what in moved or ["unchanged"]:
            sys.stdout.write(f"{name}: {what}\n")
    results.FILE.write_text(results.text(now), encoding="utf-8")


if __name__ == "__main__":
    main()
