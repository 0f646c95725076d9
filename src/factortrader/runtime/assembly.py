"""From a configuration to a core that is ready for its first event."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from factortrader import loading
from factortrader.config.document import Document, read
from factortrader.config.fund import FundConfig, read_fund
from factortrader.config.parsing import Problems
from factortrader.costs import CostModel
from factortrader.errors import BadInput
from factortrader.execution.executor import Executor
from factortrader.execution.planner import Planner
from factortrader.instruments import Instrument, InstrumentKind
from factortrader.market.schedule import Schedule
from factortrader.market.tape import Tape
from factortrader.market.universe import Universe
from factortrader.orders.book import OpenOrders
from factortrader.orders.ids import OrderIds
from factortrader.portfolio.construction import Construction
from factortrader.portfolio.holdings import Holdings
from factortrader.portfolio.methods import weight_method
from factortrader.portfolio.volatility import TrailingVolatility
from factortrader.ports import History, SimulatedVenue, Strategy
from factortrader.risk.monitor import RiskMonitor
from factortrader.runtime.engine import Engine
from factortrader.runtime.host import StrategyHost
from factortrader.runtime.memo import PanelMemo
from factortrader.runtime.preflight import Preflight
from factortrader.runtime.strategies import build_strategy
from factortrader.runtime.wiring import Components, wire

_IDEALIZED_MARGIN: Final = (Decimal("0.1"), Decimal("0.05"))
"""Initial and maintenance margin of an idealized short, fractions of notional."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """A configured fund on its history, before its first event.

    start_ns: trading starts, and the bar that closes then is the first to decide on;
    rows before are warm-up.
    lookback_bars: the trailing window that the strategy and the universe need.
    """

    config: FundConfig
    strategy: Strategy
    universe: Universe
    costs: CostModel
    history: History
    start_ns: int
    lookback_bars: int
    volatility: TrailingVolatility | None


def read_config(path: Path, *, overrides: Sequence[str] = ()) -> FundConfig:
    """The configuration alone. Raises BadConfiguration with every problem at once."""
    return config_of(read(path, overrides=overrides))


def config_of(document: Document) -> FundConfig:
    """A document as a configuration; every problem at once."""
    problems = Problems(document.places)
    config = read_fund(document, settings_of=loading.settings_of, problems=problems)
    problems.raise_if_any(document.name)
    assert config is not None
    return config


def build_fund(config: FundConfig) -> Fund:
    """Strategy, universe and history of a configuration, checked against each other.

    Raises BadConfiguration for a strategy or factor that does not conform, BadInput
    for data that does not fit.
    """
    problems = Problems(config.document.places)
    strategy = build_strategy(config, problems)
    problems.raise_if_any(config.document.name)
    assert strategy is not None
    universe = Universe(config.universe)
    volatility = _volatility(config)
    needs = [strategy.lookback_bars, universe.lookback_bars]
    if volatility is not None:
        needs.append(volatility.lookback_bars)
    lookback = max(needs)
    history = _with_shorts(config, _history(config, warm_up_bars=lookback))
    first_ns = int(history.panel.close_ns[0]) - history.panel.interval_ns
    start_ns = first_ns if config.period.start_ns is None else config.period.start_ns
    Preflight(
        config=config,
        strategy=strategy,
        universe=universe,
        history=history,
        start_ns=start_ns,
    ).check()
    return Fund(
        config=config,
        strategy=strategy,
        universe=universe,
        costs=CostModel(config.costs),
        history=history,
        start_ns=start_ns,
        lookback_bars=lookback,
        volatility=volatility,
    )


def _history(config: FundConfig, *, warm_up_bars: int) -> History:
    """What the source serves; a refusal says which line of the configuration asks."""
    try:
        source = loading.adapter("sources", config.period.source)(config.source)
        history: History = source.load(
            start_ns=config.period.start_ns,
            end_ns=config.period.end_ns,
            warm_up_bars=warm_up_bars,
        )
    except BadInput as error:
        key = error.where if error.where.startswith("data.") else "data"
        place = _place(config, key)
        error.where = ", ".join([place, error.where or key])
        raise
    return history


def _place(config: FundConfig, path: str) -> str:
    """Where the key was written, or at least in which file."""
    return Problems(config.document.places).place(path) or config.document.name


def build_core(fund: Fund, *, environment: str, memo: bool) -> Engine:
    """A fresh core, nothing heard yet; arguments as for `build_components`."""
    return Engine(wire(build_components(fund, environment=environment, memo=memo)))


def build_components(fund: Fund, *, environment: str, memo: bool) -> Components:
    """The parts of a core, not wired yet.

    environment: enters the order ids. memo: compute panel functions once over the
    whole history; the same messages either way.
    """
    config, history = fund.config, fund.history
    instruments = {each.asset: each for each in history.instruments}
    interval_ns = history.panel.interval_ns
    tape = _tape(fund, memo=memo)
    orders = OpenOrders()
    holdings = Holdings(instruments, quote=config.fund.quote, orders=orders)
    return Components(
        tape=tape,
        holdings=holdings,
        orders=orders,
        host=StrategyHost(
            fund.strategy,
            schedule=Schedule(config.schedule, start_ns=fund.start_ns),
            window=tape.window,
        ),
        construction=Construction(
            weight_method(config.portfolio),
            holdings=holdings,
            tape=tape,
            volatility=fund.volatility,
        ),
        planner=Planner(
            holdings=holdings,
            orders=orders,
            costs=fund.costs,
            no_trade_band=config.portfolio.no_trade_band,
            fee_reserve=config.execution.fee_reserve,
        ),
        risk=RiskMonitor(config.risk, book=holdings),
        executor=Executor(
            config.execution,
            holdings=holdings,
            orders=orders,
            costs=fund.costs,
            ids=OrderIds(
                account=config.fund.account,
                environment=environment,
                epoch=config.fund.epoch,
            ),
            interval_ns=interval_ns,
        ),
    )


def build_simulated_venue(fund: Fund) -> SimulatedVenue:
    """The simulated venue that the configuration names, on the fund's history."""
    config = fund.config
    kind: Any = loading.adapter("venues", config.venue_name)
    venue: SimulatedVenue = kind(
        config.venue,
        history=fund.history,
        costs=fund.costs,
        quote=config.fund.quote,
        capital=config.fund.capital_quote,
        seed=config.fund.seed,
        on_disappearance=config.universe.on_disappearance,
        haircut=config.universe.haircut,
    )
    venue.start(fund.start_ns)
    return venue


def _tape(fund: Fund, *, memo: bool) -> Tape:
    if not memo:
        return Tape(lookback_bars=fund.lookback_bars, universe=fund.universe)
    panel = fund.history.panel
    members = fund.universe.membership(panel)
    members_at = dict(zip(panel.close_ns.tolist(), members, strict=True))
    return Tape(
        lookback_bars=fund.lookback_bars,
        universe=fund.universe,
        memo=PanelMemo(panel.with_eligible(members), lookback_bars=fund.lookback_bars),
        members_at=members_at.__getitem__,
    )


def _volatility(config: FundConfig) -> TrailingVolatility | None:
    if config.portfolio.method != "inverse_volatility":
        return None
    return TrailingVolatility(window_bars=config.portfolio.volatility_window_bars)


def _with_shorts(config: FundConfig, history: History) -> History:
    """Shorts of spot-only data are refused, or idealized with a carry (DESIGN §6)."""
    spot = [each for each in history.instruments if not each.is_perpetual]
    if not config.portfolio.long_short or not spot:
        return history
    if config.costs.borrow_annual is None:
        raise BadInput(
            "this fund sells short, and the data is spot",
            code="short_of_spot",
            where=f"{_place(config, 'portfolio.long_short')}, portfolio.long_short",
            why=f"{spot[0].asset} and {len(spot) - 1} more cannot be borrowed",
            remedy="use perpetuals, portfolio.long_short = false, or set "
            "costs.borrow_annual to replay idealized shorts with that carry",
        )
    return replace(
        history, instruments=tuple(_idealized(each) for each in history.instruments)
    )


def _idealized(instrument: Instrument) -> Instrument:
    if instrument.is_perpetual:
        return instrument
    initial, maintenance = _IDEALIZED_MARGIN
    return replace(
        instrument,
        kind=InstrumentKind.PERPETUAL,
        initial_margin=initial,
        maintenance_margin=maintenance,
        idealized=True,
    )
