"""The risk monitor: plans, orders, and the latched trading state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any

import pytest
from tests.builders import kinds, leg, made, order, plan

from factortrader.events import (
    Leg,
    OperatorCommanded,
    OrderApproved,
    OrderRefused,
    OrderRequested,
    OrderType,
    PlanApproved,
    PlanReduced,
    PlanRefused,
    RebalancePlanned,
    Side,
    TradingStateChanged,
)
from factortrader.events.operator import OperatorAction
from factortrader.events.risk import TradingState
from factortrader.instruments import TradingRules
from factortrader.risk.context import Book
from factortrader.risk.monitor import RiskMonitor
from factortrader.risk.settings import RiskSettings
from factortrader.units import MONEY

NAN = float("nan")
RULE = TradingRules(lot=Decimal("0.001"))


@pytest.fixture(autouse=True)
def _exact_money() -> Iterator[None]:
    """As inside the core: a result that would be rounded raises."""
    with localcontext(MONEY):
        yield


@dataclass(frozen=True, kw_only=True)
class FakeBook:
    """An account of 10,000; marks of 100, volumes of 1,000,000, lots of 0.001."""

    equity: float = 10_000.0
    positions: Mapping[str, str] = field(default_factory=dict)
    marks: Mapping[str, float] = field(default_factory=dict)
    volumes: Mapping[str, float] = field(default_factory=dict)
    orders: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    multipliers: Mapping[str, str] = field(default_factory=dict)
    rule: TradingRules = RULE

    @property
    def exposed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys([*self.positions, *self.orders]))

    def position(self, asset: str) -> Decimal:
        return Decimal(self.positions.get(asset, "0"))

    def mark(self, asset: str) -> float:
        return self.marks.get(asset, 100.0)

    def last_volume(self, asset: str) -> float:
        return self.volumes.get(asset, 1e6)

    def multiplier(self, asset: str) -> Decimal:
        return Decimal(self.multipliers.get(asset, "1"))

    def rules(self, asset: str) -> TradingRules:
        return self.rule

    def working(self, asset: str) -> tuple[Decimal, Decimal]:
        buying, selling = self.orders.get(asset, ("0", "0"))
        return Decimal(buying), Decimal(selling)


WIDE: dict[str, Any] = {
    "max_weight": 10.0,
    "max_gross": 10.0,
    "max_net": 10.0,
    "max_turnover": 10.0,
    "max_orders": 100,
    "max_order_notional_quote": 1e9,
    "max_participation": 1.0,
    "collar_bps": 100.0,
}


def monitor(
    *, state: TradingState = TradingState.ACTIVE, **changes: Any
) -> RiskMonitor:
    """Wide limits but for those given; everything else changes the book."""
    limits = {name: changes.pop(name) for name in WIDE if name in changes}
    book: Book = FakeBook(**changes)
    found = RiskMonitor(RiskSettings(**WIDE | limits), book=book)
    found.on_state(made(TradingStateChanged, state=state))
    return found


def judged(
    desk: RiskMonitor, *legs: Leg, **changes: Any
) -> PlanApproved | PlanReduced | PlanRefused:
    given_plan: RebalancePlanned = plan(*legs, **changes)
    (judgment,) = desk.on_plan(given_plan)
    assert isinstance(judgment, PlanApproved | PlanReduced | PlanRefused)
    assert judgment.plan == given_plan.plan
    return judgment


def refused(desk: RiskMonitor, **changes: Any) -> OrderRefused:
    (judgment,) = desk.on_order(order(**changes))
    assert isinstance(judgment, OrderRefused)
    return judgment


def remaining(judgment: object) -> dict[str, Decimal]:
    assert isinstance(judgment, PlanReduced)
    return {each.asset: each.quantity for each in judgment.legs}


# --- plans ------------------------------------------------------------------------


def test_a_plan_within_its_limits_is_approved() -> None:
    """Nothing binds, nothing changes; a plan without legs passes too."""
    assert isinstance(judged(monitor(), leg()), PlanApproved)
    empty = made(RebalancePlanned, legs=())
    assert kinds(tuple(monitor().on_plan(empty))) == [PlanApproved]


def test_a_plan_that_reaches_its_limits_exactly_is_approved() -> None:
    """A limit is what is allowed, not what is forbidden."""
    desk = monitor(max_weight=0.3, max_gross=0.3, max_net=0.3, max_turnover=0.15)

    assert isinstance(judged(desk, leg(quantity="30")), PlanApproved)


def test_the_weight_cap_shrinks_what_is_added() -> None:
    """40 held and 30 wanted at a cap of half of 10,000: 10 more."""
    desk = monitor(max_weight=0.5, positions={"BTC": "40"})

    judgment = judged(desk, leg(quantity="30"))

    assert remaining(judgment) == {"BTC": Decimal(10)}
    assert isinstance(judgment, PlanReduced)
    assert judgment.limits == ("max_weight",)


def test_the_gross_limit_shrinks_all_additions_alike() -> None:
    """20 % is held, 50 % is allowed and 60 % is wanted on top: half of each."""
    desk = monitor(max_gross=0.5, positions={"OLD": "20"})

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="40"),
        leg(leg=1, asset="B", quantity="20", side=Side.SELL),
    )

    assert remaining(judgment) == {"A": Decimal(20), "B": Decimal(10)}


def test_the_net_limit_shrinks_the_heavy_side_only() -> None:
    """50 % long against 20 % short at a net limit of 10 %: 30 % long remain."""
    desk = monitor(max_net=0.1)

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="50"),
        leg(leg=1, asset="B", quantity="20", side=Side.SELL),
    )

    assert remaining(judgment) == {"A": Decimal(30), "B": Decimal(20)}


def test_turnover_takes_from_additions_before_reductions() -> None:
    """20 % sold and 40 % bought are 30 % one-way; at 15 % only 10 % are bought."""
    desk = monitor(max_turnover=0.15, positions={"A": "20"})

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="20", side=Side.SELL),
        leg(leg=1, asset="B", quantity="40"),
    )

    assert remaining(judgment) == {"A": Decimal(20), "B": Decimal(10)}


def test_turnover_shrinks_reductions_when_they_alone_exceed_it() -> None:
    """Nothing is added, and what is sold is half of it."""
    desk = monitor(max_turnover=0.05, positions={"A": "20"})

    judgment = judged(
        desk,
        leg(leg=0, asset="A", quantity="20", side=Side.SELL),
        leg(leg=1, asset="B", quantity="40"),
    )

    assert remaining(judgment) == {"A": Decimal(10)}


def test_each_leg_is_capped_by_notional_and_participation() -> None:
    """The smaller of 2,000 in quote and a tenth of the volume; unknown = no cap."""
    desk = monitor(
        max_order_notional_quote=2000.0,
        max_participation=0.1,
        volumes={"A": 50.0, "B": NAN},
    )

    judgment = judged(
        desk, leg(leg=0, asset="A", quantity="30"), leg(leg=1, asset="B", quantity="30")
    )

    assert remaining(judgment) == {"A": Decimal(5), "B": Decimal(20)}
    assert isinstance(judgment, PlanReduced)
    assert judgment.limits == ("max_order_notional_quote", "max_participation")


def test_reductions_are_never_blocked_by_weight_gross_and_net() -> None:
    """A book far over every limit may sell, even if the net gets worse for it."""
    desk = monitor(
        max_weight=0.1,
        max_gross=0.1,
        max_net=0.1,
        positions={"A": "90", "B": "-90"},
    )

    assert isinstance(
        judged(desk, leg(asset="A", quantity="80", side=Side.SELL)), PlanApproved
    )


def test_a_leg_that_changes_sign_is_cut_where_it_starts_to_add() -> None:
    """30 long to 30 short at a cap of 10 %: the 30 are sold, and 10 more."""
    desk = monitor(max_weight=0.1, positions={"BTC": "30"})

    judgment = judged(desk, leg(quantity="60", side=Side.SELL))

    assert remaining(judgment) == {"BTC": Decimal(40)}


def test_the_multiplier_counts() -> None:
    """10 contracts of 10 units at 100 are the whole equity."""
    desk = monitor(max_gross=0.5, multipliers={"P": "10"})

    assert remaining(judged(desk, leg(asset="P", quantity="10"))) == {"P": Decimal(5)}


def test_what_is_reduced_below_lot_or_minimum_notional_is_dropped() -> None:
    """Half of a leg that only just made the minimum is no order."""
    rule = TradingRules(lot=Decimal("0.001"), min_notional=Decimal(500))
    desk = monitor(max_gross=0.15, rule=rule)

    judgment = judged(
        desk, leg(leg=0, asset="A", quantity="24"), leg(leg=1, asset="B", quantity="6")
    )

    assert remaining(judgment) == {"A": Decimal(12)}


def test_a_plan_of_which_nothing_is_left_is_refused_with_value_and_limit() -> None:
    """The reason says what was asked for and what is allowed."""
    desk = monitor(max_gross=0.2, positions={"OLD": "20"})

    judgment = judged(desk, leg(quantity="30"))

    assert isinstance(judgment, PlanRefused)
    assert judgment.limit == "max_gross"
    assert judgment.reason == "no leg is left: max_gross 0.5, limit 0.2"


@pytest.mark.parametrize(
    ("changes", "limit", "reason"),
    [
        ({"equity": 0.0}, "equity", "equity is 0, not positive"),
        ({"equity": -1.0}, "equity", "equity is -1, not positive"),
        ({"equity": NAN}, "equity", "equity is nan, not positive"),
    ],
)
def test_without_equity_no_plan_passes(
    changes: dict[str, float], limit: str, reason: str
) -> None:
    """Weights of nothing mean nothing."""
    judgment = judged(monitor(), leg(), **changes)

    assert isinstance(judgment, PlanRefused)
    assert (judgment.limit, judgment.reason) == (limit, reason)


def test_too_many_orders_refuse_the_plan() -> None:
    """Which legs to leave out is not for risk to choose."""
    judgment = judged(monitor(max_orders=1), leg(asset="A"), leg(asset="B"))

    assert isinstance(judgment, PlanRefused)
    assert judgment.reason == "2 legs, max_orders is 1"


@pytest.mark.parametrize(
    ("legs", "reason"),
    [
        ([leg(quantity="0")], "leg 0 of BTC: quantity 0"),
        ([leg(quantity="NaN")], "leg 0 of BTC: quantity NaN"),
        ([leg(mark=NAN)], "leg 0 of BTC: mark nan"),
        ([leg(mark=0.0)], "leg 0 of BTC: mark 0.0"),
        ([leg(), leg(leg=1)], "two legs trade the same asset"),
    ],
)
def test_a_broken_leg_refuses_the_plan(legs: list[Leg], reason: str) -> None:
    """Non-finite, zero, or ambiguous: the plan as a whole is not to be trusted."""
    judgment = judged(monitor(), *legs)

    assert isinstance(judgment, PlanRefused)
    assert (judgment.limit, judgment.reason) == ("leg", reason)


# --- orders -----------------------------------------------------------------------


def test_an_order_within_its_limits_is_approved_as_it_is() -> None:
    """The approval carries the very order, and execution submits nothing else."""
    given_order: OrderRequested = order()

    (judgment,) = monitor().on_order(given_order)

    assert isinstance(judgment, OrderApproved)
    assert judgment.order is given_order


@pytest.mark.parametrize(
    ("changes", "limit", "reason"),
    [
        ({"quantity": "0"}, "order", "quantity 0"),
        ({"quantity": "-1"}, "order", "quantity -1"),
        ({"quantity": "Infinity"}, "order", "quantity Infinity"),
        ({"mark": NAN}, "order", "decision mark nan"),
        ({"mark": 0.0}, "order", "decision mark 0.0"),
        ({"limit_price": "0"}, "order", "limit price 0"),
        ({"limit_price": "NaN"}, "order", "limit price NaN"),
    ],
)
def test_malformed_orders_are_refused(
    changes: dict[str, Any], limit: str, reason: str
) -> None:
    """Non-finite, zero and negative numbers never reach a venue."""
    judgment = refused(monitor(), **changes)

    assert (judgment.limit, judgment.reason) == (limit, reason)


def test_order_limits_name_value_and_limit() -> None:
    """Notional, participation, weight and gross, each with both numbers."""
    notional = monitor(max_order_notional_quote=99.0)
    share = monitor(max_participation=0.1, volumes={"BTC": 5.0})
    weight = monitor(max_weight=0.5, positions={"BTC": "50"})
    gross = monitor(max_gross=0.5, positions={"ETH": "50"})

    assert refused(notional).reason == "max_order_notional_quote 100, limit 99"
    assert refused(share).reason == "max_participation 0.2, limit 0.1"
    assert refused(weight, quantity="1").reason == "max_weight 0.51, limit 0.5"
    assert refused(gross, quantity="1").reason == "max_gross 0.51, limit 0.5"


def test_orders_without_known_volume_have_no_participation() -> None:
    """Unknown volume is no cap; zero volume is a cap of zero."""
    unknown = monitor(max_participation=0.1, volumes={"BTC": NAN})
    none = monitor(max_participation=0.1, volumes={"BTC": 0.0})

    assert kinds(tuple(unknown.on_order(order()))) == [OrderApproved]
    assert refused(none).limit == "max_participation"


def test_working_orders_count_as_filled_on_their_worst_side() -> None:
    """Purchases under way use up the cap; sales under way do not free it."""
    buying = monitor(max_weight=0.5, orders={"BTC": ("45", "0")})
    selling = monitor(
        max_weight=0.5, positions={"BTC": "45"}, orders={"BTC": ("0", "45")}
    )
    elsewhere = monitor(max_gross=0.5, orders={"ETH": ("0", "45")})

    assert refused(buying, quantity="10").reason == "max_weight 0.55, limit 0.5"
    assert refused(selling, quantity="10").reason == "max_weight 0.55, limit 0.5"
    assert refused(elsewhere, quantity="10").reason == "max_gross 0.55, limit 0.5"


def test_an_order_of_a_plan_at_its_limit_survives_the_costs_on_the_way() -> None:
    """Half a percent of costs may pass, two percent may not."""
    after_costs = monitor(max_weight=0.5, equity=9_950.0)
    after_losses = monitor(max_weight=0.5, equity=9_800.0)

    assert kinds(tuple(after_costs.on_order(order(quantity="50")))) == [OrderApproved]
    assert refused(after_losses, quantity="50").limit == "max_weight"


def test_orders_that_certainly_reduce_pass_weight_gross_and_a_lost_equity() -> None:
    """A book far over its limits can be sold down, and an empty account too."""
    desk = monitor(
        max_weight=0.1, max_gross=0.1, positions={"BTC": "90", "ETH": "90"}, equity=-1.0
    )

    sale = order(side=Side.SELL, quantity="40")

    assert kinds(tuple(desk.on_order(sale))) == [OrderApproved]
    assert refused(desk, quantity="1").reason == "equity is -1, not positive"


@pytest.mark.parametrize(
    ("side", "limit_price", "passes"),
    [
        (Side.BUY, "101", True),
        (Side.BUY, "101.1", False),
        (Side.BUY, "50", True),
        (Side.SELL, "99", True),
        (Side.SELL, "98.9", False),
        (Side.SELL, "200", True),
    ],
)
def test_the_collar_bounds_what_a_limit_order_pays_away(
    side: Side, limit_price: str, passes: bool
) -> None:
    """At 100 bps a buyer pays at most 101 against a mark of 100; better is free."""
    given_order = order(side=side, limit_price=limit_price, order_type=OrderType.LIMIT)

    (judgment,) = monitor().on_order(given_order)

    assert isinstance(judgment, OrderApproved) is passes
    if not passes:
        assert isinstance(judgment, OrderRefused)
        assert judgment.reason == "collar_bps 110, limit 100"


def test_the_collar_stops_a_market_order_when_the_market_has_run_away() -> None:
    """Decided at 100, and now the mark is 105: a purchase would pay 500 bps."""
    desk = monitor(marks={"BTC": 105.0}, positions={"BTC": "5"})

    assert refused(desk).reason == "collar_bps 500, limit 100"
    sale = order(side=Side.SELL)
    assert kinds(tuple(desk.on_order(sale))) == [OrderApproved]


def test_a_reduce_only_order_must_reduce_whatever_else_fills() -> None:
    """3 held and 2 being sold leave 1 to sell."""
    desk = monitor(positions={"BTC": "3"}, orders={"BTC": ("0", "2")})
    fits = order(side=Side.SELL, quantity="1", reduce_only=True)

    assert kinds(tuple(desk.on_order(fits))) == [OrderApproved]
    too_much = refused(desk, side=Side.SELL, quantity="2", reduce_only=True)
    assert too_much.limit == "reduce_only"
    assert "position of 3, 0 being bought and 2 being sold" in too_much.reason


def test_what_the_venue_does_not_trade_is_refused() -> None:
    """The rules as of now decide."""
    desk = monitor(rule=TradingRules(tradable=False))

    assert refused(desk).limit == "tradable"


# --- the trading state ------------------------------------------------------------


def test_a_reduce_only_desk_refuses_orders_that_add_risk() -> None:
    """Only orders that bring a position nearer to zero pass, in plans too."""
    desk = monitor(state=TradingState.REDUCE_ONLY, positions={"BTC": "2"})

    sale = order(side=Side.SELL, quantity="2")
    assert kinds(tuple(desk.on_order(sale))) == [OrderApproved]
    assert refused(desk).limit == "trading_state"
    assert refused(desk, side=Side.SELL, quantity="3").limit == "trading_state"
    flip = leg(quantity="5", side=Side.SELL)
    assert remaining(judged(desk, flip)) == {"BTC": Decimal(2)}
    adding = judged(desk, leg())
    assert isinstance(adding, PlanRefused)
    assert adding.limit == "trading_state"


@pytest.mark.parametrize(
    "state", [TradingState.PAUSED, TradingState.CANCELED, TradingState.HALTED]
)
def test_a_stopped_desk_lets_nothing_pass(state: TradingState) -> None:
    """Neither plans nor orders, not even those that reduce."""
    desk = monitor(state=state, positions={"BTC": "2"})

    sale = refused(desk, side=Side.SELL)
    whole = judged(desk, leg(side=Side.SELL))

    assert (sale.limit, str(state) in sale.reason) == ("trading_state", True)
    assert isinstance(whole, PlanRefused)
    assert whole.limit == "trading_state"


@pytest.mark.parametrize(
    ("before", "action", "after"),
    [
        ("active", "pause", "paused"),
        ("active", "reduce_only", "reduce_only"),
        ("active", "cancel_all", "canceled"),
        ("active", "flatten", "reduce_only"),
        ("active", "halt", "halted"),
        ("active", "resume", None),
        ("paused", "pause", None),
        ("paused", "reduce_only", None),
        ("halted", "pause", None),
        ("halted", "cancel_all", None),
        ("halted", "flatten", "reduce_only"),
        ("halted", "resume", "active"),
        ("reduce_only", "resume", "active"),
        ("reduce_only", "pause", "paused"),
    ],
)
def test_commands_tighten_and_only_resume_and_flatten_loosen(
    before: str, action: str, after: str | None
) -> None:
    """A latched state is not softened by a weaker command."""
    desk = monitor(state=TradingState(before))
    command = made(OperatorCommanded, action=OperatorAction(action), who="op", why="?")

    changes = tuple(desk.on_operator(command))

    assert desk.state == before, "only the event itself changes the state"
    for change in changes:
        assert isinstance(change, TradingStateChanged)
        assert (change.state, change.by, change.why) == (after, "op", "?")
        desk.on_state(change)
    assert desk.state == (after or before)
