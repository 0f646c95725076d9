"""Construction: the strategy's view and the account become one set of targets."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from tests.builders import (
    QUOTE,
    T0,
    bars,
    fill,
    floats,
    instruments,
    made,
    perpetual,
    spot,
    transfer,
)

from factortrader.events import (
    FundingPaid,
    InstrumentRulesChanged,
    SignalsUpdated,
    TargetsSet,
)
from factortrader.instruments import TradingRules
from factortrader.market.panel import Panel
from factortrader.market.tape import Tape
from factortrader.market.universe import Universe, UniverseSettings
from factortrader.orders.book import OpenOrders
from factortrader.portfolio.construction import Construction
from factortrader.portfolio.exposure import StaleExposure
from factortrader.portfolio.holdings import Holdings
from factortrader.portfolio.weights import Allocation, WeightProblem
from factortrader.units import DAY_NS, FloatArray

ASSETS = ("A", "B", "C")


class Method:
    """Wants a third of everything, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[WeightProblem] = []

    def __call__(self, problem: WeightProblem) -> Allocation:
        self.asked.append(problem)
        return Allocation(
            weights=floats(0.3, 0.3, 0.3), diagnostics={"method": "third"}
        )


class World:
    """Tape, holdings and construction around three coins; B is no member."""

    def __init__(self, *, volatility=None) -> None:
        self.method = Method()
        self.holdings = Holdings(
            instruments(spot("A"), spot("B"), spot("C"), perpetual("P")),
            quote=QUOTE,
            orders=OpenOrders(),
        )
        self.tape = Tape(
            lookback_bars=2, universe=Universe(UniverseSettings(exclude=("B",)))
        )
        self.construction = Construction(
            self.method,
            holdings=self.holdings,
            tape=self.tape,
            volatility=volatility,
        )
        self.holdings.on_transfer(transfer("1000"))
        self.bar({"A": 10.0, "B": 20.0, "C": 30.0})

    def bar(self, close: dict[str, float], *, day: int = 0) -> None:
        bar = bars(close, close_ns=T0 + day * DAY_NS)
        self.tape.on_bars(bar)
        self.holdings.on_bars(bar)

    def signal(self, *, day: int = 0) -> Iterable[TargetsSet]:
        return self.construction.on_signals(
            made(
                SignalsUpdated,
                time_ns=T0 + day * DAY_NS,
                strategy="tilt",
                assets=ASSETS,
                scores=floats(1.0, 2.0, 3.0),
            )
        )


def test_targets_carry_the_answer_of_the_method_and_name_its_cause() -> None:
    """Weights, diagnostics, strategy, and the slot in UTC."""
    (targets,) = World().signal()

    assert targets.assets == ASSETS
    np.testing.assert_array_equal(targets.weights, [0.3, 0.3, 0.3])
    assert targets.diagnostics == {"method": "third"}
    assert (targets.strategy, targets.time_ns) == ("tilt", T0)
    assert targets.rebalance == "2024-01-01/0"


def test_the_method_sees_scores_members_and_the_drifted_account() -> None:
    """B is no member, C has no bar now, A has doubled since it was bought."""
    world = World()
    world.holdings.on_fill(fill(asset="A", quantity="50", price="10"))
    world.bar({"A": 20.0, "B": 20.0, "C": float("nan")}, day=1)

    [*world.signal(day=1)]

    (problem,) = world.method.asked
    np.testing.assert_array_equal(problem.scores, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(problem.candidates, [True, False, False])
    np.testing.assert_array_equal(problem.tradable, [True, True, False])
    np.testing.assert_array_equal(problem.held, [True, False, False])
    np.testing.assert_allclose(problem.current_weights, [1000 / 1500, 0.0, 0.0])
    assert np.isnan(problem.volatility).all()


def test_what_the_rules_forbid_is_no_candidate() -> None:
    """A member that the venue does not trade."""
    world = World()
    world.holdings.on_rules(
        made(InstrumentRulesChanged, asset="A", rules=TradingRules(tradable=False))
    )

    [*world.signal()]

    np.testing.assert_array_equal(
        world.method.asked[0].candidates, [False, False, True]
    )


def test_volatility_is_the_last_row_over_the_trailing_window() -> None:
    """Asked of the tape, for methods that want it."""

    def rising(seen: Panel) -> FloatArray:
        return np.cumsum(np.ones(seen.listed.shape), axis=0)

    world = World(volatility=rising)
    world.bar({"A": 10.0, "B": 20.0, "C": 30.0}, day=1)

    [*world.signal(day=1)]

    np.testing.assert_array_equal(world.method.asked[0].volatility, [2.0, 2.0, 2.0])


def test_rebalances_of_one_moment_are_numbered() -> None:
    """The next moment begins at 0 again; no two rebalances share a name."""
    world = World()
    names = [targets.rebalance for _ in range(2) for targets in world.signal()]
    world.bar({"A": 10.0, "B": 20.0, "C": 30.0}, day=1)
    names += [targets.rebalance for targets in world.signal(day=1)]

    assert names == ["2024-01-01/0", "2024-01-01/1", "2024-01-02/0"]


@pytest.mark.parametrize("loss", ["-1000", "-1001"])
def test_a_ruined_account_has_no_targets(loss: str) -> None:
    """Fractions of nothing mean nothing."""
    world = World()
    world.holdings.on_funding(made(FundingPaid, asset="P", amount=loss))

    assert [*world.signal()] == []
    assert world.method.asked == []


def test_the_cached_equity_is_proven_at_each_rebalance() -> None:
    """A drift between float and ledger is a crash, not a trade (R9)."""
    world = World()
    world.holdings._ledger.apply(transfer("1"))

    with pytest.raises(StaleExposure):
        [*world.signal()]
