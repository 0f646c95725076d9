"""Research, replay and live trading of crypto factor portfolios: one program."""

__version__ = "0.1.0"
