"""What of a plan can be paid for: cash for spot, collateral for everything.

What adds is scaled by one factor where money is short; what reduces never is.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import msgspec

from factortrader.events import Leg, Side
from factortrader.instruments import Instrument, TradingRules
from factortrader.portfolio.drafts import (
    Draft,
    SizedPlan,
    SizingProblem,
    Skipped,
    margin_rate,
    too_small,
)
from factortrader.units import (
    MONEY,
    ZERO,
    decimal_shortest,
    floor_to_step,
    money_down,
    money_up,
    share_floor,
    to_float,
)

_COST_QUANTUM: Final = Decimal("0.0000001")
_CASH_QUANTUM: Final = Decimal("0.000000000001")
"""Expected costs and payments are rounded against us to these, so that their sums
stay within the digits of `MONEY` whatever the marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Share:
    """part / whole of what is wanted is there; 0 ≤ part < whole."""

    part: Decimal
    whole: Decimal


def afforded(
    problem: SizingProblem, reducing: list[Draft], adding: list[Draft]
) -> tuple[list[Draft], list[Skipped]]:
    """What adds: spot scaled to the cash, then everything to the collateral."""
    skipped: list[Skipped] = []
    share = _cash_share(problem, reducing, adding)
    if share is not None:
        spot = [each for each in adding if not each.instrument.is_perpetual]
        rest = [each for each in adding if each.instrument.is_perpetual]
        scaled, skipped = _all_scaled(problem, spot, share, short_of="cash")
        adding = [*scaled, *rest]
    share = _collateral_share(problem, reducing, adding)
    if share is not None:
        adding, more = _all_scaled(problem, adding, share, short_of="collateral")
        skipped = [*skipped, *more]
    return adding, skipped


def scale_to_cash(
    legs: Sequence[Leg],
    *,
    cash: Decimal,
    cost_fraction: float,
    instruments: Mapping[str, Instrument],
    rules: Mapping[str, TradingRules],
) -> SizedPlan:
    """The same legs with the spot purchases scaled to the cash that is there.

    For the executor, after the sells: all purchases shrink by one factor so that
    Σ notional × (1 + cost_fraction) ≤ cash at the legs' marks. Sells and legs of
    perpetuals pass as they are; numbers and order are kept. Legs below the lot or the
    minimum notional fall away with a reason.
    """

    def is_spot_buy(leg: Leg) -> bool:
        return leg.side is Side.BUY and not instruments[leg.asset].is_perpetual

    needed = _spent(
        ((leg, instruments[leg.asset]) for leg in legs if is_spot_buy(leg)),
        _cost_rate(cost_fraction),
    )
    if needed <= max(cash, ZERO):
        return SizedPlan(legs=tuple(legs), skipped=())
    share = _Share(part=max(cash, ZERO), whole=needed)
    kept: list[Leg] = []
    skipped: list[Skipped] = []
    for leg in legs:
        scaled: Leg | Skipped = leg
        if is_spot_buy(leg):
            scaled = _scaled(
                leg,
                share,
                rules=rules.get(leg.asset, TradingRules()),
                unit=leg.mark * to_float(instruments[leg.asset].multiplier),
            )
        if isinstance(scaled, Skipped):
            skipped.append(scaled)
        else:
            kept.append(scaled)
    return SizedPlan(legs=tuple(kept), skipped=tuple(skipped))


def _cash_share(
    problem: SizingProblem, reducing: list[Draft], adding: list[Draft]
) -> _Share | None:
    """None where the cash after the sells pays for all spot purchases.

    In `Decimal`, because an account without credit refuses what is short by a hair.
    """
    cost = _cost_rate(problem.cost_fraction)
    sold, bought = (
        [each for each in drafts if not each.instrument.is_perpetual]
        for drafts in (reducing, adding)
    )
    proceeds = sum(
        (money_down(_value(each.leg, each.instrument), _CASH_QUANTUM) for each in sold),
        ZERO,
    )
    cash = max(problem.cash + proceeds * (1 - cost), ZERO)
    needed = _spent([(each.leg, each.instrument) for each in bought], cost)
    return None if needed <= cash else _Share(part=cash, whole=needed)


def _collateral_share(
    problem: SizingProblem, reducing: list[Draft], adding: list[Draft]
) -> _Share | None:
    """None where the free collateral carries all that is opened.

    Free is the equity less the value of spot and the initial margin of perpetuals,
    once everything is closed that the legs close, and paid for.
    """
    if not any(each.instrument.is_perpetual for each in adding):
        return None
    legs, costs = [*reducing, *adding], problem.cost_fraction
    free = problem.equity - math.fsum(_bound_collateral(problem))
    free += math.fsum(
        each.collateral(each.closes) - to_float(each.closes) * each.unit * costs
        for each in legs
    )
    needed = math.fsum(
        each.collateral(each.opens) + to_float(each.opens) * each.unit * costs
        for each in adding
    )
    if needed <= max(free, 0.0):
        return None
    return _Share(part=decimal_shortest(max(free, 0.0)), whole=decimal_shortest(needed))


def _bound_collateral(problem: SizingProblem) -> Iterator[float]:
    for asset, mark in zip(problem.assets, problem.marks, strict=True):
        quantity = problem.positions.get(asset, ZERO)
        if quantity and math.isfinite(mark):
            instrument = problem.instruments[asset]
            units = to_float(abs(quantity) * instrument.multiplier)
            yield units * float(mark) * margin_rate(instrument)


def _all_scaled(
    problem: SizingProblem, drafts: list[Draft], share: _Share, *, short_of: str
) -> tuple[list[Draft], list[Skipped]]:
    """What opens is scaled by one factor, what closes is not.

    What shrinks into the no-trade band is not worth it.
    """
    kept: list[Draft] = []
    skipped: list[Skipped] = []
    for each in drafts:
        leg = _scaled(
            each.leg, share, rules=each.rules, unit=each.unit, closes=each.closes
        )
        if isinstance(leg, Skipped):
            skipped.append(Skipped(asset=leg.asset, reason=f"{short_of}: {leg.reason}"))
            continue
        change = to_float(leg.quantity) * each.unit / problem.equity
        if change <= problem.no_trade_band * abs(leg.target_weight):
            text = f"{short_of}: the affordable part is inside the no-trade band"
            skipped.append(Skipped(asset=leg.asset, reason=text))
            continue
        kept.append(replace(each, leg=leg))
    return kept, skipped


def _scaled(
    leg: Leg,
    share: _Share,
    *,
    rules: TradingRules,
    unit: float,
    closes: Decimal = ZERO,
) -> Leg | Skipped:
    opens = share_floor(
        MONEY.subtract(leg.quantity, closes),
        part=share.part,
        whole=share.whole,
        step=rules.lot,
    )
    quantity = floor_to_step(MONEY.add(closes, opens), rules.lot)
    scaled = msgspec.structs.replace(leg, quantity=quantity)
    return too_small(scaled, rules=rules, unit=unit) or scaled


def _value(leg: Leg, instrument: Instrument) -> Decimal:
    """Notional at the mark, exactly."""
    return leg.quantity * instrument.multiplier * decimal_shortest(leg.mark)


def _spent(purchases: Iterable[tuple[Leg, Instrument]], cost: Decimal) -> Decimal:
    """What purchases at their marks take out of the cash, costs included."""
    notional = sum(
        (money_up(_value(leg, each), _CASH_QUANTUM) for leg, each in purchases), ZERO
    )
    return notional * (1 + cost)


def _cost_rate(cost_fraction: float) -> Decimal:
    return money_up(decimal_shortest(cost_fraction), _COST_QUANTUM)
