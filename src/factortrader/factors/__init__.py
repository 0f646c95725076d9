"""Factors: operators that are window-local to the bit, and functions made of them."""
