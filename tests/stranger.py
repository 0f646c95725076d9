"""A stranger's check of a run: equity at every bar from the capital, the fills, the
cash flows and the marks alone. It knows docs/run-folder.md and nothing of the program.

    python tests/stranger.py RUN
"""

import json
import sys
from decimal import Decimal
from pathlib import Path

import pandas as pd


def largest_error(run):
    """The largest |re-derived / recorded − 1| of equity over all bars."""
    run = Path(run)
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    equity = pd.read_parquet(run / "equity.parquet").set_index("time")["equity"]
    marks = pd.read_parquet(run / "positions.parquet").groupby("time")
    fills = pd.read_parquet(run / "fills.parquet").assign(kind="fill")
    flows = pd.read_parquet(run / "cashflows.parquet")
    moves = pd.concat([fills, flows]).sort_values("time", kind="stable")
    moves = list(moves.to_dict("records"))
    cash, held, worst = Decimal(str(manifest["capital"])), {}, 0.0
    size = {
        name: Decimal(i["multiplier"]) for name, i in manifest["instruments"].items()
    }
    for time, recorded in equity.items():
        while moves and moves[0]["time"] <= time:
            move = moves.pop(0)
            asset = move["asset"]
            if move["kind"] == "fill":
                signed = Decimal(move["quantity"]) * (
                    1 if move["side"] == "buy" else -1
                )
                held[asset] = held.get(asset, 0) + signed
                cash -= signed * size[asset] * Decimal(move["price"])
            elif move["currency"] == manifest["quote"]:
                cash += Decimal(move["amount"])
                held |= {asset: Decimal(0)} if move["kind"] == "settlement" else {}
            else:
                held[asset] = held.get(asset, 0) + Decimal(move["amount"])
        seen = (
            marks.get_group(time).set_index("asset")["mark"]
            if time in marks.groups
            else {}
        )
        value = sum(float(q * size[a]) * seen[a] for a, q in held.items() if q)
        worst = max(worst, abs((float(cash) + value) / recorded - 1.0))
    return float(worst)


if __name__ == "__main__":
    error = largest_error(sys.argv[1])
    sys.stdout.write(f"largest relative error of equity: {error:.1e}\n")
    sys.exit(int(error > 1e-9))
