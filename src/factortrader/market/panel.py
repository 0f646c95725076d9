"""The panel: bars × assets, oldest first, with its three masks (DESIGN §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from factortrader.errors import BadInput
from factortrader.units import BoolArray, FloatArray, IntArray, read_only

BAR_FIELDS: Final = ("open", "high", "low", "close", "volume")
"""Every panel has these; a field the vendor lacks is all NaN."""

EXTRA_FIELDS: Final = (
    "quote_volume",
    "trades",
    "taker_buy_base",
    "market_cap",
    "funding_rate",
)
"""Fields that a panel may have."""

DOLLAR_VOLUME: Final = "dollar_volume"
"""Derived: traded notional in quote currency, see `Panel.dollar_volume`."""

_PRICES: Final = frozenset({"open", "high", "low", "close"})
_BASE_UNITS: Final = frozenset({"volume", "taker_buy_base"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Aligned history of a cross-section.

    close_ns: (bars,), the bars' closes, ascending, a multiple of interval_ns apart.
    assets: stable ids; columns are append-only.
    fields: name → (bars, assets), raw; NaN = no bar or no value.
    listed: a bar exists. clean: not quarantined. eligible: in the universe as of that
    bar. All (bars, assets).
    adjustment: cumulative ratio of the corporate actions dated up to each row, or
    None = all ones. Research prices are raw × adjustment: forward-adjusted and
    anchored at listing, so that a row never depends on a later action.
    """

    close_ns: IntArray
    interval_ns: int
    assets: tuple[str, ...]
    fields: Mapping[str, FloatArray]
    listed: BoolArray
    clean: BoolArray
    eligible: BoolArray
    adjustment: FloatArray | None = None

    def __post_init__(self) -> None:
        shape = (len(self.close_ns), len(self.assets))
        arrays = {**self.fields, **self._masks()}
        for name, array in arrays.items():
            if array.shape != shape:
                raise BadInput(
                    f"{name} has shape {array.shape}, the panel has {shape}",
                    code="panel_shape",
                )
            read_only(array)
        missing = [name for name in BAR_FIELDS if name not in self.fields]
        if missing:
            raise BadInput(f"the panel lacks {', '.join(missing)}", code="panel_field")

    def _masks(self) -> dict[str, BoolArray]:
        return {"listed": self.listed, "clean": self.clean, "eligible": self.eligible}

    @property
    def bars(self) -> int:
        return len(self.close_ns)

    def raw(self, name: str) -> FloatArray:
        """The field as published: it trades, marks and sizes."""
        try:
            return self.fields[name]
        except KeyError:
            have = ", ".join(sorted(self.fields))
            raise BadInput(
                f"the data has no field {name!r}",
                code="unknown_field",
                why=f"it has {have}",
                remedy="import a dataset that carries it, or use another factor",
            ) from None

    def research(self, name: str) -> FloatArray:
        """The field as factors see it: adjusted, NaN where not listed and clean.

        Prices are multiplied by the cumulative ratio, base volumes divided by it, so
        that price × volume is what it was. Infinities become NaN at this door. Nobody
        may write into what is handed out.
        """
        values = self.dollar_volume() if name == DOLLAR_VOLUME else self.raw(name)
        if self.adjustment is not None:
            if name in _PRICES:
                values = values * self.adjustment
            elif name in _BASE_UNITS:
                values = values / self.adjustment
        seen = self.listed & self.clean & np.isfinite(values)
        return read_only(values if seen.all() else np.where(seen, values, np.nan))

    def dollar_volume(self) -> FloatArray:
        """Traded notional per bar, quote currency: as published, else close × volume.

        Raw prices and raw volumes: their product is the same on both sides of a
        redenomination.
        """
        product: FloatArray = self.raw("close") * self.raw("volume")
        if "quote_volume" not in self.fields:
            return product
        published = self.fields["quote_volume"]
        return np.where(np.isfinite(published), published, product)

    def rows(self, start: int, stop: int) -> Panel:
        """Bars start … stop − 1 of the same cross-section; views, no copies."""
        cut = slice(start, stop)
        return Panel(
            close_ns=self.close_ns[cut],
            interval_ns=self.interval_ns,
            assets=self.assets,
            fields={name: array[cut] for name, array in self.fields.items()},
            listed=self.listed[cut],
            clean=self.clean[cut],
            eligible=self.eligible[cut],
            adjustment=None if self.adjustment is None else self.adjustment[cut],
        )

    def with_eligible(self, eligible: BoolArray) -> Panel:
        """The same bars with another universe."""
        return replace(self, eligible=eligible)
