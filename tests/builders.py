"""Builders: the smallest valid object of everything that tests pass around.

A test spells out only what it is about; the rest comes from one table of defaults.

    made(OrderFilled, price="101")     any message of the vocabulary
    order(), fill(), transfer()        the frequent ones, by their short names
    spot("BTC"), perpetual("BTC-P")    instruments
    bars({"BTC": 100.0})               one closed bar of a cross-section
    panel({"BTC": [100.0, 101.0]})     a history of it, oldest first
    window({"BTC": [100.0, 101.0]})    the same as a strategy sees it

Text and integers become `Decimal` and sequences become read-only arrays where the
field asks for them. Every default is dated `T0`, the close of 2024-01-01 (UTC).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import numpy as np

from factortrader.events import (
    BarsClosed,
    Leg,
    Liquidity,
    OperatorCommanded,
    OrderFilled,
    OrderRefused,
    OrderRequested,
    OrderType,
    PlanRefused,
    PositionSettled,
    RebalancePlanned,
    Side,
    TimeInForce,
    TransferBooked,
)
from factortrader.events.operator import OperatorAction
from factortrader.events.risk import Severity, TradingState
from factortrader.instruments import Instrument, InstrumentKind, TradingRules
from factortrader.market.panel import Panel
from factortrader.market.window import Window
from factortrader.units import DAY_NS, FloatArray, parse_time_ns, read_only

T0 = parse_time_ns("2024-01-01")
ASSET = "BTC"
QUOTE = "USDT"
ORDER_ID = "f7" + "0" * 30
PLAN = "0" * 32

M_ = TypeVar("M_", bound=msgspec.Struct)


def made(kind: type[M_], /, **changes: Any) -> M_:
    """The smallest valid message of this kind, with these fields changed."""
    values = {}
    for field in msgspec.structs.fields(kind):
        if field.name in changes:
            values[field.name] = _converted(changes.pop(field.name), field.type)
        elif (kind, field.name) in _OF_ONE_KIND:
            values[field.name] = _OF_ONE_KIND[kind, field.name]
        elif field.name in _BY_NAME:
            values[field.name] = _BY_NAME[field.name]
        elif field.required:
            raise LookupError(f"builders know no {field.name} for {kind.__name__}")
    if changes:
        raise TypeError(f"{kind.__name__} has no field {', '.join(changes)}")
    return kind(**values)


def order(**changes: Any) -> OrderRequested:
    """A market order to buy 1 BTC at a mark of 100."""
    return made(OrderRequested, **changes)


def fill(**changes: Any) -> OrderFilled:
    """A taker's buy of 1 BTC at 100 without a fee.

    cumulative follows quantity and reference follows price unless they are given.
    """
    changes.setdefault("cumulative", changes.get("quantity", "1"))
    changes.setdefault("reference", changes.get("price", "100"))
    return made(OrderFilled, **changes)


def transfer(amount: str | Decimal = "10000", **changes: Any) -> TransferBooked:
    """A deposit, in the quote currency unless `currency` says otherwise."""
    return made(TransferBooked, amount=amount, **changes)


def leg(**changes: Any) -> Leg:
    """The intended purchase of 1 BTC at a mark of 100."""
    return made(Leg, **changes)


def plan(*legs: Leg, **changes: Any) -> RebalancePlanned:
    """A plan of these legs; of the smallest one if there are none."""
    return made(RebalancePlanned, legs=legs or (leg(),), **changes)


def spot(asset: str = ASSET, **changes: Any) -> Instrument:
    """A spot instrument quoted in USDT, listed long ago and still alive."""
    instrument = Instrument(
        asset=asset, ticker=f"{asset}{QUOTE}", base=asset, quote=QUOTE
    )
    return replace(instrument, **changes)


def perpetual(asset: str = f"{ASSET}-PERP", **changes: Any) -> Instrument:
    """A linear perpetual: multiplier 1, 10 % initial and 5 % maintenance margin."""
    instrument = Instrument(
        asset=asset,
        ticker=asset,
        base=asset.removesuffix("-PERP"),
        quote=QUOTE,
        kind=InstrumentKind.PERPETUAL,
        initial_margin=Decimal("0.1"),
        maintenance_margin=Decimal("0.05"),
    )
    return replace(instrument, **changes)


def instruments(*each: Instrument) -> dict[str, Instrument]:
    """Instruments by stable id, in the order given."""
    return {instrument.asset: instrument for instrument in each}


def bars(close: Mapping[str, float], **changes: Any) -> BarsClosed:
    """One daily bar that closed at T0; NaN = no bar. Open, high and low = close.

    `close_ns` also dates the event unless `time_ns` is given.
    """
    row = [*close.values()]
    seen = [bool(np.isfinite(price)) for price in row]
    volume = np.where(seen, 1_000.0, np.nan)
    prices = dict.fromkeys(("open", "high", "low", "close"), row)
    masks = dict.fromkeys(("listed", "clean", "eligible"), seen)
    values = prices | masks | {"volume": volume, "assets": tuple(close)} | changes
    values.setdefault("time_ns", values.get("close_ns", T0))
    return made(BarsClosed, **values)


def panel(
    close: Mapping[str, Sequence[float]],
    *,
    interval_ns: int = DAY_NS,
    fields: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Panel:
    """A panel whose last bar closed at T0; NaN = no bar.

    Open, high and low equal the close and the volume is 1,000 base units unless
    `fields` (name → (bars, assets)) says otherwise.
    """
    prices = np.column_stack([np.asarray(column, float) for column in close.values()])
    seen = np.isfinite(prices)
    count = len(prices)
    arrays = dict.fromkeys(("open", "high", "low", "close"), prices)
    arrays["volume"] = np.where(seen, 1_000.0, np.nan)
    arrays |= {name: np.asarray(array, float) for name, array in (fields or {}).items()}
    values: dict[str, Any] = {
        "close_ns": T0 - interval_ns * np.arange(count - 1, -1, -1, dtype=np.int64),
        "assets": tuple(close),
        "listed": seen.copy(),
        "clean": seen.copy(),
        "eligible": seen.copy(),
    }
    return Panel(interval_ns=interval_ns, fields=arrays, **(values | changes))


def window(close: Mapping[str, Sequence[float]], **changes: Any) -> Window:
    """The panel of the same arguments as a strategy sees it, without a memo."""
    return Window(panel=panel(close, **changes))


def floats(*values: float) -> FloatArray:
    """A read-only float64 row."""
    return read_only(np.asarray(values, dtype=np.float64))


def kinds(messages: Sequence[object]) -> list[type]:
    """The types of the messages, in order: what most tests assert."""
    return [type(message) for message in messages]


@functools.cache
def _takes(kind: Any, wanted: str) -> bool:
    return wanted in str(kind)


def _converted(value: Any, kind: Any) -> Any:
    if isinstance(value, str | int) and _takes(kind, "Decimal"):
        return Decimal(value)
    if isinstance(value, list | np.ndarray) and _takes(kind, "float64"):
        return read_only(np.asarray(value, dtype=np.float64))
    if isinstance(value, list | np.ndarray) and _takes(kind, "bool"):
        return read_only(np.asarray(value, dtype=np.bool_))
    return value


_OF_ONE_KIND: dict[tuple[type, str], Any] = {
    (OrderFilled, "cumulative"): Decimal(1),
    (OrderFilled, "reference"): Decimal(100),
    (PositionSettled, "reason"): None,
    (PlanRefused, "limit"): "turnover",
    (OrderRefused, "limit"): "notional",
    (OperatorCommanded, "action"): OperatorAction.PAUSE,
}

_ROW = floats(100.0)
_SEEN = read_only(np.ones(1, dtype=np.bool_))

_BY_NAME: dict[str, Any] = {
    "time_ns": T0,
    "close_ns": T0,
    "venue_time_ns": T0,
    "as_of_ns": T0,
    "known_at_ns": T0,
    "fire_at_ns": T0,
    "interval_ns": DAY_NS,
    "age_ns": DAY_NS,
    "silent_ns": DAY_NS,
    "valid_until_ns": None,
    "asset": ASSET,
    "assets": (ASSET,),
    "currency": QUOTE,
    "fee_currency": QUOTE,
    "strategy": "momentum",
    "rebalance": "2024-01-01T00:00Z#1",
    "plan": PLAN,
    "order_id": ORDER_ID,
    "venue_order_id": "v1",
    "trade_id": "t1",
    "leg": 0,
    "side": Side.BUY,
    "order_type": OrderType.MARKET,
    "time_in_force": TimeInForce.IOC,
    "liquidity": Liquidity.TAKER,
    "limit_price": None,
    "reduce_only": False,
    "quantity": Decimal(1),
    "cumulative": Decimal(0),
    "price": Decimal(100),
    "fee": Decimal(0),
    "amount": Decimal(1),
    "mark": 100.0,
    "target_weight": 0.01,
    "current_weight": 0.0,
    "equity": 10_000.0,
    "cash": 10_000.0,
    "turnover": 0.005,
    "gross_exposure": 0.0,
    "net_exposure": 0.0,
    "quantities": floats(0.0),
    "marks": _ROW,
    "limits": ("turnover",),
    "reference": "r1",
    "code": "code",
    "reason": "reason",
    "cause": "timeout",
    "evidence": "look-up, open orders and fills all negative, twice",
    "text": "text",
    "why": "why",
    "who": "operator",
    "by": "monitor",
    "measure": "drawdown",
    "value": 0.1,
    "limit": 0.2,
    "severity": Severity.HIGH,
    "state": TradingState.ACTIVE,
    "action": "split-1",
    "numerator": 10,
    "denominator": 1,
    "kind": "funding",
    "series": "fear_greed",
    "stream": "fills",
    "timer": "rebalance",
    "rules": TradingRules(),
    "entered": (ASSET,),
    "left": (),
    "fields": {},
    "balances": {QUOTE: Decimal(10_000)},
    "positions": {},
    "weights": floats(0.5),
    "scores": floats(1.0),
    "rates": floats(0.0001),
    "contributions": {},
    "diagnostics": {},
    **dict.fromkeys(("open", "high", "low", "close", "bid", "ask"), _ROW),
    **dict.fromkeys(("volume", "bid_size", "ask_size"), floats(1_000.0)),
    **dict.fromkeys(("listed", "clean", "eligible"), _SEEN),
}
_BY_NAME["legs"] = (made(Leg),)
_BY_NAME["order"] = made(OrderRequested)
