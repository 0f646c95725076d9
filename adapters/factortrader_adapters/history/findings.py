"""What an import found in a vendor's file and what it did about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import msgspec
import numpy as np

from factortrader.errors import BadInput
from factortrader.units import BoolArray

EXAMPLES: Final = 3
"""How many places a finding names; its count says how many there are."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of defect or trait.

    count: rows (or series) concerned. rule: what the import does about them.
    resolved: the file was changed by the rule; `--strict` refuses it instead.
    """

    code: str
    count: int
    rule: str
    resolved: bool
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        shown = f" (e.g. {'; '.join(self.examples)})" if self.examples else ""
        return f"{self.count:,} {self.rule}{shown}"


def found(
    code: str,
    at: BoolArray,
    *,
    rule: str,
    describe: Callable[[int], str],
    resolved: bool = True,
) -> tuple[Finding, ...]:
    """The finding of the marked rows with its first examples; empty if none is.

    at: (rows,), the rows concerned. describe: row index → the place as text.
    """
    count = int(np.count_nonzero(at))
    if not count:
        return ()
    first = np.flatnonzero(at)[:EXAMPLES]
    return (
        Finding(
            code=code,
            count=count,
            rule=rule,
            resolved=resolved,
            examples=tuple(describe(int(index)) for index in first),
        ),
    )


def refuse_if_strict(findings: Sequence[Finding], *, strict: bool, where: str) -> None:
    """Raises BadInput where a strict import would have had to change the file."""
    changed = [finding for finding in findings if finding.resolved]
    if strict and changed:
        raise BadInput(
            "a strict import changes nothing, and this file needs it:\n"
            + "\n".join(f"  - [{finding.code}] {finding}" for finding in changed),
            code="strict_import",
            where=where,
            remedy="mend the file, or import it without --strict",
        )
