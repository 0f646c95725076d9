"""Signals: from factor rows to what a strategy says."""
