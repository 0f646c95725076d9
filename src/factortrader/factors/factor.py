"""A factor: a plain function of panel fields, bound to its settings.

    @rows(lambda *, lookback_bars: lookback_bars + 1)
    def momentum(close, *, lookback_bars: int = 90, skip_bars: int = 1): ...

Positional parameters name panel fields (`eligible` gives the universe mask),
keyword-only parameters are settings. `bind` checks the signature once and gives a
`Factor`, which is a `PanelFunction` that a window or a memo can hold by value.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import msgspec
import numpy as np

from factortrader.errors import BadInput
from factortrader.factors import cross_section
from factortrader.factors.cross_section import Z_LIMIT
from factortrader.market.panel import BAR_FIELDS, DOLLAR_VOLUME, EXTRA_FIELDS, Panel
from factortrader.market.window import defined_in
from factortrader.units import BoolArray, FloatArray, read_only

F_ = TypeVar("F_", bound=Callable[..., FloatArray])

ELIGIBLE: Final = "eligible"
"""The input that is not a field: the mask of the universe."""

INPUTS: Final = (*BAR_FIELDS, *EXTRA_FIELDS, DOLLAR_VOLUME, ELIGIBLE)
"""What a factor's positional parameters can be called."""


def rows(count: Callable[..., int]) -> Callable[[F_], F_]:
    """Declares how many rows, the newest included, one value of the function needs.

    count: takes those of the function's keyword-only parameters that it names.
    """

    def declared(function: F_) -> F_:
        function.rows_needed = count  # type: ignore[attr-defined]
        return function

    return declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Factor:
    """A factor function with its settings. Equal by value, hashable, callable.

    inputs: fields, in the order of the function's parameters. parameters: every
    setting, defaults included, in the order of the signature. lookback_bars: rows that
    one value needs, the newest included. transform: a name of `TRANSFORMS`, applied
    to each row among the eligible assets.
    """

    name: str
    function: Callable[..., FloatArray]
    inputs: tuple[str, ...]
    parameters: tuple[tuple[str, Any], ...]
    lookback_bars: int
    transform: str

    def __call__(self, panel: Panel) -> FloatArray:
        """Scores, (bars, assets), larger = hold more; NaN = no view, never infinite."""
        arrays = (
            panel.eligible if name == ELIGIBLE else panel.research(name)
            for name in self.inputs
        )
        with np.errstate(all="ignore"):  # a division by zero is an answer: no view
            scores = self.function(*arrays, **dict(self.parameters))
        _prove(scores, panel.listed.shape, self.function, name=self.name)
        scores = np.where(np.isfinite(scores), scores, np.nan)
        return TRANSFORMS[self.transform](scores, panel.eligible)


TRANSFORMS: Final[Mapping[str, Callable[[FloatArray, BoolArray], FloatArray]]] = {
    "none": lambda scores, _: scores,
    "rank": lambda scores, where: cross_section.rank(scores, where=where),
    "zscore": lambda scores, where: cross_section.zscore(
        scores, where=where, clip=Z_LIMIT
    ),
    "winsorized_zscore": lambda scores, where: cross_section.winsorized_zscore(
        scores, where=where
    ),
    "robust_zscore": lambda scores, where: cross_section.robust_zscore(
        scores, where=where
    ),
}
"""Standardizations by name; all but "none" act on the eligible assets of a row."""


def bind(
    function: Callable[..., FloatArray],
    *,
    name: str | None = None,
    parameters: Mapping[str, object] | None = None,
    transform: str = "none",
    rows: int | None = None,
) -> Factor:
    """The function with these settings as a factor, its signature proven.

    rows: lookback for a function without the `rows` decorator. The function is tried
    once on rows of NaN, so that settings it refuses are refused here.
    Raises BadInput for an unknown field, an unknown or ill-typed parameter, an
    unknown transform, a lookback that nobody declared, or a wrong shape or type.
    """
    called = name or str(getattr(function, "__name__", repr(function)))
    where = f"factor {called}"
    inputs, settings = _signature(function, where)
    if transform not in TRANSFORMS:
        raise BadInput(
            f"there is no transform {transform!r}",
            code="unknown_transform",
            where=where,
            why=f"there are {', '.join(TRANSFORMS)}",
            remedy=_nearest(transform, TRANSFORMS),
        )
    chosen = _chosen(function, settings, dict(parameters or {}), where=where)
    _refuse_changeable(chosen, where)
    factor = Factor(
        name=called,
        function=function,
        inputs=inputs,
        parameters=tuple(chosen.items()),
        lookback_bars=_lookback(function, chosen, rows, where=where),
        transform=transform,
    )
    _try_out(factor, where)
    return factor


def _signature(
    function: Callable[..., FloatArray], where: str
) -> tuple[tuple[str, ...], dict[str, inspect.Parameter]]:
    inputs: list[str] = []
    settings: dict[str, inspect.Parameter] = {}
    for parameter in inspect.signature(function).parameters.values():
        match parameter.kind:
            case inspect.Parameter.KEYWORD_ONLY:
                settings[parameter.name] = parameter
            case inspect.Parameter.VAR_POSITIONAL | inspect.Parameter.VAR_KEYWORD:
                raise BadInput(
                    f"its parameter {parameter} has no fixed names",
                    code="factor_signature",
                    where=where,
                    why="inputs and settings are recognized by their names",
                    remedy="spell the parameters out",
                )
            case _:
                inputs.append(_input(parameter, where))
    if not inputs:
        raise BadInput(
            "it takes no panel field",
            code="factor_signature",
            where=where,
            why="positional parameters name the fields that a factor is made of",
            remedy=f"take at least one of {', '.join(INPUTS)}",
        )
    return tuple(inputs), settings


def _input(parameter: inspect.Parameter, where: str) -> str:
    if parameter.name in INPUTS and parameter.default is inspect.Parameter.empty:
        return parameter.name
    if parameter.name in INPUTS:
        raise BadInput(
            f"its input {parameter.name!r} has a default",
            code="factor_signature",
            where=where,
            why="an input always comes from the panel",
            remedy="drop the default",
        )
    raise BadInput(
        f"there is no panel field {parameter.name!r}",
        code="unknown_field",
        where=where,
        why=f"positional parameters name fields: {', '.join(INPUTS)}",
        remedy=_nearest(parameter.name, INPUTS)
        or "put a * before it if it is a setting",
    )


def _chosen(
    function: Callable[..., FloatArray],
    settings: Mapping[str, inspect.Parameter],
    given: Mapping[str, object],
    *,
    where: str,
) -> dict[str, object]:
    for unknown in [name for name in given if name not in settings]:
        raise BadInput(
            f"it has no parameter {unknown!r}",
            code="unknown_parameter",
            where=where,
            why=f"its parameters are {', '.join(settings) or 'none'}",
            remedy=_nearest(unknown, settings) or "remove it",
        )
    types = typing.get_type_hints(function, include_extras=True)
    chosen: dict[str, object] = {}
    for name, parameter in settings.items():
        if name in given:
            chosen[name] = _typed(
                given[name], types.get(name, Any), name=name, where=where
            )
        elif parameter.default is not inspect.Parameter.empty:
            chosen[name] = parameter.default
        else:
            raise BadInput(
                f"its parameter {name!r} is missing",
                code="missing_parameter",
                where=where,
                why="it has no default",
                remedy=f"set {name}",
            )
    return chosen


def _typed(value: object, kind: Any, *, name: str, where: str) -> object:
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, TypeError) as error:
        expected = getattr(kind, "__name__", str(kind))
        raise BadInput(
            f"{name} = {value!r} is not what it expects",
            code="parameter_type",
            where=where,
            why=str(error),
            remedy=f"give {name} as {expected}",
        ) from None


def _refuse_changeable(chosen: Mapping[str, object], where: str) -> None:
    """A memo holds factors by value, so their settings must be values."""
    for name, value in chosen.items():
        try:
            hash(value)
        except TypeError as error:
            raise BadInput(
                f"{name} = {value!r} could change later",
                code="parameter_type",
                where=where,
                why=str(error),
                remedy=f"annotate {name} as a tuple, such as tuple[int, ...]",
            ) from None


def _lookback(
    function: Callable[..., FloatArray],
    chosen: Mapping[str, object],
    given: int | None,
    *,
    where: str,
) -> int:
    declared: Callable[..., int] | None = getattr(function, "rows_needed", None)
    if declared is None and given is None:
        raise BadInput(
            "nobody says how many rows it needs",
            code="undeclared_rows",
            where=where,
            why="a window holds exactly the declared rows, live and in replay",
            remedy="decorate it with @rows(lambda *, …: …), or set rows",
        )
    count: object = given
    if given is None and declared is not None:
        needed = inspect.signature(declared).parameters
        with _refusals(where):
            count = declared(**{name: chosen[name] for name in needed})
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise BadInput(
            f"it needs {count!r} rows",
            code="undeclared_rows",
            where=where,
            why="the newest row counts, so a factor needs at least one",
            remedy="declare a whole number ≥ 1",
        )
    return count


def _try_out(factor: Factor, where: str) -> None:
    """One call on rows without any value: it must answer with their shape."""
    shape = (factor.lookback_bars, 2)
    nothing = read_only(np.full(shape, np.nan))
    nobody = read_only(np.zeros(shape, dtype=np.bool_))
    arrays = (nobody if name == ELIGIBLE else nothing for name in factor.inputs)
    with _refusals(where), np.errstate(all="ignore"):
        answer: object = factor.function(*arrays, **dict(factor.parameters))
    _prove(answer, shape, factor.function, name=factor.name)


def _prove(
    answer: object, shape: tuple[int, ...], function: Callable[..., Any], *, name: str
) -> None:
    """Raises BadInput unless the function answered with float64 of this shape."""
    why = f"it is defined in {defined_in(function)}"
    if not isinstance(answer, np.ndarray) or answer.shape != shape:
        got = type(answer).__name__
        if hasattr(answer, "shape"):
            got += f" of shape {answer.shape}"
        raise BadInput(
            f"it must return an array of shape {shape} (bars, assets), it returned {got}",
            code="factor_shape",
            where=f"factor {name}",
            why=why,
            remedy="return one score for every bar and asset of its inputs",
        )
    if answer.dtype != np.float64:
        raise BadInput(
            f"it must return float64, it returned {answer.dtype}",
            code="factor_type",
            where=f"factor {name}",
            why=why,
            remedy="convert the result with .astype(float)",
        )


@contextlib.contextmanager
def _refusals(where: str) -> Iterator[None]:
    """Turns a function's ValueError about its settings into BadInput."""
    try:
        yield
    except ValueError as error:
        raise BadInput(
            "it refuses its settings",
            code="parameter_range",
            where=where,
            why=str(error),
            remedy="change the setting it names",
        ) from error


def _nearest(name: str, known: Sequence[str] | Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean {close[0]!r}?" if close else ""
