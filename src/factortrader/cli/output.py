"""Where the command line prints: answers to stdout, warnings to stderr."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """One answer."""
    sys.stdout.write(text + "\n")


def warn(text: str) -> None:
    """Something the user should know, and no answer."""
    sys.stderr.write(f"warning: {text}\n")


def fail(text: str) -> None:
    """Why there is no answer."""
    sys.stderr.write(f"error: {text}\n")
