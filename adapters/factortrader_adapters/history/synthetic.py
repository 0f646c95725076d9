"""The synthetic market: a source that needs no file and knows the truth.

It has what breaks naive systems (fat tails, listings, deaths, a halt, gaps, a
redenomination) and premia that are really there, planted as expected returns that
depend on yesterday's observable characteristics; `synthetic_path.py` has the model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated

import msgspec
import numpy as np

from factortrader.errors import BadInput
from factortrader.events import Event, FundingRatePublished
from factortrader.instruments import Instrument
from factortrader.market.panel import Panel
from factortrader.ports import History
from factortrader.units import format_time, parse_interval_ns, parse_time_ns
from factortrader_adapters.history.synthetic_bars import print_bars
from factortrader_adapters.history.synthetic_coins import (
    MOST_COINS,
    Calendar,
    Coins,
    make_coins,
)
from factortrader_adapters.history.synthetic_path import STYLES, walk
from factortrader_adapters.history.synthetic_records import events_of, instruments_of

PremiumAnnual = Annotated[float, msgspec.Meta(ge=-2.0, le=2.0)]


@dataclass(frozen=True, slots=True, kw_only=True)
class SyntheticSettings:
    """`[data]` of the synthetic market.

    first_open: open of the first bar, UTC. perpetuals: the coins trade as linear
    perpetuals instead of spot. Premia: expected simple return per year of a coin that
    stands one cross-sectional standard deviation above the mean in the characteristic:
    momentum (60 days without the last 5), size (small), carry (low funding), reversal
    (losers of 5 days), low volatility (30 days).
    """

    seed: Annotated[int, msgspec.Meta(ge=0)] = 7
    assets: Annotated[int, msgspec.Meta(ge=2, le=MOST_COINS)] = 120
    bars: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 1826
    interval: str = "1d"
    first_open: str = "2019-01-01"
    perpetuals: bool = False
    momentum_premium_annual: PremiumAnnual = 0.30
    size_premium_annual: PremiumAnnual = 0.35
    carry_premium_annual: PremiumAnnual = 0.30
    reversal_premium_annual: PremiumAnnual = 0.45
    low_volatility_premium_annual: PremiumAnnual = 0.35

    @property
    def premia_annual(self) -> dict[str, float]:
        return {style: getattr(self, f"{style}_premium_annual") for style in STYLES}


class SyntheticSource:
    """A `HistorySource` that makes its market from a seed."""

    Settings = SyntheticSettings

    def __init__(self, settings: SyntheticSettings) -> None:
        """Raises BadInput where the settings describe no market."""
        self._settings = settings
        self._calendar = _calendar(settings)

    def load(
        self, *, start_ns: int | None, end_ns: int | None, warm_up_bars: int
    ) -> History:
        """A cut out of one market: what a row holds does not depend on the cut.

        Instruments know only the ends which the cut has seen.
        """
        coins, whole = self._market
        first, stop = _range(whole, start_ns=start_ns, end_ns=end_ns)
        first = max(0, first - warm_up_bars)
        panel = whole.rows(first, stop)
        instruments = instruments_of(
            coins,
            whole,
            first=first,
            stop=stop,
            perpetuals=self._settings.perpetuals,
        )
        events = events_of(coins, whole, first=first, stop=stop)
        return History(
            panel=panel,
            instruments=instruments,
            events=events,
            fingerprint=_fingerprint(
                self._settings, panel, instruments=instruments, events=events
            ),
            synthetic=True,
            notes=_notes(self._settings),
        )

    @cached_property
    def _market(self) -> tuple[Coins, Panel]:
        settings, calendar = self._settings, self._calendar
        coins = make_coins(settings.assets, seed=settings.seed, calendar=calendar)
        path = walk(
            coins,
            np.array(list(settings.premia_annual.values())),
            bars=settings.bars,
            seed=settings.seed,
            calendar=calendar,
        )
        return coins, print_bars(coins, path, seed=settings.seed, calendar=calendar)


def _range(
    whole: Panel, *, start_ns: int | None, end_ns: int | None
) -> tuple[int, int]:
    """First row and the row after the last with start < close ≤ end."""
    closes = whole.close_ns
    first = 0 if start_ns is None else int(closes.searchsorted(start_ns, "right"))
    stop = whole.bars if end_ns is None else int(closes.searchsorted(end_ns, "right"))
    if first < stop:
        return first, stop
    raise BadInput(
        "the synthetic market has no bar in the range asked for",
        code="no_bars",
        where="data.end" if start_ns is None else "data.start",
        why=(
            f"its bars close from {format_time(int(closes[0]))} "
            f"to {format_time(int(closes[-1]))}"
        ),
        remedy="ask for a range inside it, or for more bars",
    )


def _calendar(settings: SyntheticSettings) -> Calendar:
    """Raises BadInput where the settings describe no market."""
    if not 2 <= settings.assets <= MOST_COINS:
        raise BadInput(
            f"a synthetic market has 2 to {MOST_COINS} assets, got {settings.assets}",
            code="synthetic_assets",
            where="data.assets",
        )
    if settings.bars < 2:
        raise BadInput(
            f"a synthetic market has at least 2 bars, got {settings.bars}",
            code="synthetic_bars",
            where="data.bars",
        )
    try:
        interval_ns = parse_interval_ns(settings.interval)
    except ValueError as error:
        raise BadInput(str(error), code="interval", where="data.interval") from error
    try:
        start_ns = parse_time_ns(settings.first_open)
    except ValueError as error:
        raise BadInput(
            f"{settings.first_open!r} is no ISO date or time",
            code="time",
            where="data.first_open",
            remedy='write it like "2019-01-01"',
        ) from error
    return Calendar(start_ns=start_ns, interval_ns=interval_ns)


def _notes(settings: SyntheticSettings) -> tuple[str, ...]:
    planted = ", ".join(
        f"{style.replace('_', ' ')} {premium:+.2f}"
        for style, premium in settings.premia_annual.items()
    )
    made = (
        f"SYNTHETIC market, seed {settings.seed}: {settings.assets} coins, "
        f"{settings.bars} bars of {settings.interval} from {settings.first_open}; "
        "none of it happened."
    )
    truth = (
        "Planted premia per year and cross-sectional standard deviation of the "
        f"characteristic: {planted}. They are there to be found; results on this "
        "market say nothing about real ones."
    )
    return made, truth


def _fingerprint(
    settings: SyntheticSettings,
    panel: Panel,
    *,
    instruments: Sequence[Instrument],
    events: Sequence[Event],
) -> str:
    """SHA-256 over the settings and everything that is served."""
    digest = hashlib.sha256()
    # Funding events repeat a field of the panel.
    said = [event for event in events if not isinstance(event, FundingRatePublished)]
    digest.update(msgspec.json.encode([settings, panel.assets, instruments, said]))
    arrays = {
        **panel.fields,
        "close_ns": panel.close_ns,
        "listed": panel.listed,
        "clean": panel.clean,
        "eligible": panel.eligible,
        "adjustment": panel.adjustment,
    }
    for name, array in sorted(arrays.items()):
        if array is not None:
            digest.update(name.encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
