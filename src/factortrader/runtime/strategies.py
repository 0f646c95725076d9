"""From `[signal]` and `[[factor]]` to a strategy that was proven to conform."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any, Final

from factortrader.config.fund import FactorSettings, FundConfig
from factortrader.config.parsing import Problems, parse
from factortrader.errors import BadInput
from factortrader.factors.factor import Factor, bind
from factortrader.loading import blaming, load_object
from factortrader.ports import Strategy

_KEY_OF: Final = {
    "unknown_transform": "transform",
    "unknown_parameter": "parameters",
    "missing_parameter": "parameters",
    "parameter_type": "parameters",
    "parameter_range": "parameters",
    "undeclared_rows": "rows",
}
"""What a factor is refused for → the key of its table that asks for it."""


def build_strategy(config: FundConfig, problems: Problems) -> Strategy | None:
    """The configured strategy; None where problems were noted.

    A strategy is a dataclass whose keywords are its parameters. If it has a field
    `factors`, the `[[factor]]` tables are bound and handed to it.
    """
    reference = config.signal.strategy
    try:
        kind = load_object(reference, folder=config.document.folder)
    except BadInput as error:
        problems.add("signal.strategy", error.sentence)
        return None
    if not (inspect.isclass(kind) and dataclasses.is_dataclass(kind)):
        problems.add(
            "signal.strategy", f"{reference} must be a dataclass of its parameters"
        )
        return None
    lacking = [name for name in ("lookback_bars", "on_bars") if not hasattr(kind, name)]
    if lacking:
        problems.add(
            "signal.strategy",
            f"{reference} is no strategy: it lacks {' and '.join(lacking)}",
        )
        return None
    takes_factors = any(f.name == "factors" for f in dataclasses.fields(kind))
    given: dict[str, Any] = {}
    if takes_factors:
        given["factors"] = bind_factors(config, problems)
        if not config.factors:
            problems.add("factor", f"{reference} blends factors: name at least one")
    elif config.factors:
        problems.add("factor", f"{reference} takes no [[factor]] tables")
    if problems.found:
        return None
    try:
        with blaming(kind, wholly=True):
            return _made(kind, config, problems, given=given)
    except BadInput as error:
        problems.add("signal.strategy", error.sentence)
        return None


def _made(
    kind: type[Any], config: FundConfig, problems: Problems, *, given: dict[str, Any]
) -> Strategy | None:
    strategy = parse(
        kind,
        config.signal.parameters,
        path="signal.parameters",
        problems=problems,
        given=given,
    )
    if strategy is None:
        return None
    return _proven(strategy, config.signal.strategy, problems)


def _proven(strategy: Any, reference: str, problems: Problems) -> Strategy | None:
    """Its members have the shape of `ports.Strategy`, tried before the first event."""
    rows = strategy.lookback_bars
    if not isinstance(rows, int) or isinstance(rows, bool) or rows < 1:
        problems.add(
            "signal.strategy",
            f"{reference}.lookback_bars must be a whole number ≥ 1, got {rows!r}"
            + (": make it a property" if callable(rows) else ""),
        )
        return None
    try:
        inspect.signature(strategy.on_bars).bind(None)
    except TypeError:
        problems.add(
            "signal.strategy",
            f"{reference}.on_bars must take one argument, the window",
        )
        return None
    conforming: Strategy = strategy
    return conforming


def blended(strategy: Strategy) -> tuple[Factor, ...]:
    """The `[[factor]]` tables as they were handed to the strategy, in their order."""
    if not dataclasses.is_dataclass(strategy):
        return ()
    if "factors" not in [each.name for each in dataclasses.fields(strategy)]:
        return ()
    factors: tuple[tuple[Factor, float], ...] = getattr(strategy, "factors", ())
    return tuple(factor for factor, _ in factors)


def user_code(strategy: Strategy) -> tuple[object, ...]:
    """What of a strategy may be the user's: itself, and the functions it blends."""
    return (strategy, *(factor.function for factor in blended(strategy)))


def bind_factors(
    config: FundConfig, problems: Problems
) -> tuple[tuple[Factor, float], ...]:
    """Every `[[factor]]` with its weight; problems are noted, not raised."""
    bound: list[tuple[Factor, float]] = []
    for at, settings in enumerate(config.factors):
        try:
            factor = bind_factor(config, settings)
        except BadInput as error:
            key = _KEY_OF.get(error.code, "use")
            problems.add(f"factor.{at}.{key}", error.sentence)
            continue
        if factor.name in [other.name for other, _ in bound]:
            problems.add(
                f"factor.{at}",
                f"two factors are called {factor.name!r}: give this one another name",
            )
        bound.append((factor, settings.weight))
    return tuple(bound)


def bind_factor(config: FundConfig, settings: FactorSettings) -> Factor:
    """The function that the table names, with its settings."""
    function = load_object(settings.use, folder=config.document.folder)
    if not callable(function):
        raise BadInput(
            f"{settings.use} is no function",
            code="no_factor",
            remedy="name a function of panel fields",
        )
    if hasattr(function, "bound"):  # already a factor, such as frames.PandasFactor
        factor: Factor = function.bound(
            name=settings.name,
            parameters=settings.parameters,
            transform=settings.transform,
        )
        return factor
    with blaming(function, wholly=True):
        return bind(
            function,
            name=settings.name,
            parameters=settings.parameters,
            transform=settings.transform,
            rows=settings.rows,
        )
