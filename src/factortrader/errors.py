"""Errors by who is at fault: the input, the house, or nobody (expected trouble).

    FactortraderError
    ├── BadInput          the user's side: configuration, files, arguments   exit 2
    │   └── BadConfiguration   every problem of one configuration at once
    ├── NoAnswer          the question was sound and the answer is no        exit 1
    └── BrokenInvariant   ours: the core met a state that cannot be          exit 3

Expected trouble of trading (a rejection, a stale feed) is an event, not an error.
"""

from __future__ import annotations

from collections.abc import Sequence


class FactortraderError(Exception):
    """Says what happened, where, why, and what to do, under a stable code."""

    exit_code = 3

    def __init__(
        self,
        what: str,
        *,
        code: str,
        where: str = "",
        why: str = "",
        remedy: str = "",
    ) -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.where = where
        self.why = why
        self.remedy = remedy

    def __str__(self) -> str:
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        if self.why:
            parts.append(self.why)
        if self.remedy:
            parts.append(self.remedy)
        return f"[{self.code}] " + "\n  ".join(parts)

    @property
    def sentence(self) -> str:
        """All of it on one line, without the code: an entry in a list of problems."""
        parts = [f"{self.where}: {self.what}" if self.where else self.what]
        parts += [part for part in (self.why, self.remedy) if part]
        return "; ".join(" ".join(part.split()) for part in parts)


class BadInput(FactortraderError):
    """A file, an argument or a table that cannot be used as it is."""

    exit_code = 2


class BadConfiguration(BadInput):
    """Every problem found in one configuration, reported together."""

    def __init__(self, problems: Sequence[str], *, where: str) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        super().__init__(
            f"{count} problem{'s' if count != 1 else ''} in the configuration:\n"
            + "\n".join(f"  - {problem}" for problem in self.problems),
            code="configuration",
            where=where,
        )


class NoAnswer(FactortraderError):
    """The check ran and its answer is no (a broken chain, a leaking factor)."""

    exit_code = 1


class BrokenInvariant(FactortraderError):
    """A state that cannot be: a bug of ours. The next start comes up halted."""

    exit_code = 3

    def __init__(self, what: str, *, where: str = "", why: str = "") -> None:
        super().__init__(what, code="invariant", where=where, why=why)
