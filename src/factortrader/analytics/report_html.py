"""Markup that escapes whatever is not markup, and numbers as people read them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

UNDEFINED: Final = "–"

FRACTIONS: Final = frozenset(
    {
        "total_return",
        "annual_return",
        "volatility",
        "downside_deviation",
        "max_drawdown",
        "var_95",
        "cvar_95",
        "hit_rate",
        "best_month",
        "worst_month",
        "alpha",
        "r_squared",
        "tracking_error",
        "average_turnover",
        "annual_fees",
        "annual_slippage",
        "annual_funding",
        "annual_borrow",
        "cost_drag",
        "average_gross_exposure",
        "average_net_exposure",
    }
)
MONEY: Final = frozenset(
    {
        "final_equity",
        "total_fees",
        "total_slippage",
        "total_funding",
        "total_borrow",
    }
)


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, *children: object, **attributes: object) -> Html:
    """One element; children and attribute values that are no `Html` are escaped.

    An attribute's trailing underscore is dropped and inner ones become hyphens; an
    attribute of None is left out.
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(str(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{written}>{joined(children)}</{name}>")


def joined(children: Iterable[object]) -> Html:
    """The children one after another, escaped unless they are markup."""
    return Html(
        "".join(
            child if isinstance(child, Html) else escape(str(child))
            for child in children
        )
    )


def section(title: str, *children: object) -> Html:
    return tag("section", tag("h2", title), *children)


def table(
    header: Sequence[object], rows: Iterable[Sequence[object]], *, kind: str = ""
) -> Html:
    """A table that scrolls inside its own box; the first column names the row."""
    head = tag("tr", *(tag("th", cell, scope="col") for cell in header))
    body = [
        tag(
            "tr",
            tag("th", row[0], scope="row"),
            *(
                cell if is_cell(cell) else tag("td", cell, class_=_alignment(cell))
                for cell in row[1:]
            ),
        )
        for row in rows
    ]
    return tag(
        "div",
        tag("table", tag("thead", head), tag("tbody", *body), class_=kind or None),
        class_="scroll",
    )


def is_cell(cell: object) -> bool:
    return isinstance(cell, Html) and cell.startswith("<td")


def _alignment(cell: object) -> str | None:
    text = str(cell)
    plain = not isinstance(cell, Html)
    return "number" if plain and text[:1] in "−–0123456789+" else None


def metric(key: str, value: float) -> Html:
    """A number of summary.json: shown rounded, its key and exact value attached."""
    exact = repr(float(value)) if math.isfinite(value) else None
    return tag("span", metric_text(key, value), data_key=key, data_value=exact)


def metric_text(key: str, value: float) -> str:
    """Fractions as percent, money and counts whole, turnover a year as a multiple."""
    if key in FRACTIONS:
        return percent(value)
    if key in MONEY:
        return money(value)
    if key == "annual_turnover":
        shown = number(value, 2)
        return shown if shown == UNDEFINED else f"{shown} ×"
    if isinstance(value, int) or key in {"observations", "max_drawdown_periods"}:
        return number(value, 0)
    return number(value, 2)


def percent(value: float, *, digits: int = 2) -> str:
    """0.1234 as "12.34 %", without decimals from 1,000 % on; undefined as a dash."""
    shown = number(value * 100.0, digits if abs(value) < 10.0 else 0)
    return shown if shown == UNDEFINED else f"{shown} %"


def money(value: float) -> str:
    """Whole units from 1,000 on, cents below, four figures below one."""
    size = abs(value)
    if size >= 1_000.0 or size == 0.0:
        return number(value, 0)
    return number(value, 2) if size >= 1.0 else significant(value)


def number(value: float, digits: int) -> str:
    """Grouped by thousands with a real minus sign; undefined as a dash."""
    if not math.isfinite(value):
        return UNDEFINED
    text = f"{value:,.{digits}f}"
    if text.startswith("-") and not any(figure in text for figure in "123456789"):
        text = text[1:]
    return text.replace("-", "−")


def significant(value: float, *, figures: int = 4) -> str:
    """Prices and quantities of any size with so many figures, never 1e-05."""
    if not math.isfinite(value):
        return UNDEFINED
    if value == 0.0:
        return "0"
    digits = max(figures - 1 - math.floor(math.log10(abs(value))), 0)
    text = number(value, digits)
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain(value: Any) -> str:
    """A value of the configuration or manifest as text; nothing is a dash."""
    match value:
        case None:
            return UNDEFINED
        case bool():
            return "yes" if value else "no"
        case float() if not math.isfinite(value):
            return UNDEFINED
        case float() if value == int(value):
            return str(int(value))
        case str():
            return value or UNDEFINED
        case list() | tuple():
            return ", ".join(plain(each) for each in value) or UNDEFINED
    return str(value)
