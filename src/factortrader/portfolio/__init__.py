"""From scores to positions: weights, constraints, sizes, the ledger and its exposure."""
