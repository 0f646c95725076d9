"""The core's books over whole replays: balanced, the venue's own, and a pure fold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.fakes.small_funds import Sections, small_funds
from tests.funds import fund

from factortrader.events import BarsClosed, Message
from factortrader.portfolio.ledger import LEDGER_EVENTS, Ledger
from factortrader.runtime.assembly import (
    Fund,
    build_components,
    build_simulated_venue,
)
from factortrader.runtime.codec import ReplayCodec
from factortrader.runtime.engine import Engine
from factortrader.runtime.journal import ChainedJournal
from factortrader.runtime.replay import Replay
from factortrader.runtime.wiring import wire
from factortrader.units import MONEY


class Auditor:
    """Looks into both books after every event of a replay."""

    def __init__(self, fund: Fund) -> None:
        self.fund = fund
        core = build_components(fund, environment="replay", memo=True)
        self.venue: Any = build_simulated_venue(fund)
        self.ledger: Ledger = core.holdings._ledger
        self.holdings = core.holdings
        self.codec = ReplayCodec(fund.history)
        self.written: list[bytes] = []
        self.bars = 0
        Replay(
            engine=Engine(wire(core)),
            history=fund.history,
            venue=self.venue,
            journal=ChainedJournal(genesis_link=b"", encode=self.codec.encode),
            taps=[self.audit],
        ).run()

    def audit(self, messages: Sequence[Message]) -> None:
        self.written += [self.codec.encode(message) for message in messages]
        with localcontext(MONEY):
            assert_balanced(self.ledger)
        heard = messages[0]
        if isinstance(heard, BarsClosed) and heard.close_ns >= self.fund.start_ns:
            self.bars += 1
            self.assert_same_books()

    def assert_same_books(self) -> None:
        """At a bar's close an open venue has nothing left to tell."""
        theirs: Ledger = self.venue._account._ledger
        assert self.ledger.cash == theirs.cash
        assert self.ledger.positions() == theirs.positions()
        assert self.ledger.snapshot() == theirs.snapshot()
        assert self.holdings.verify() is None


def assert_balanced(ledger: Ledger) -> None:
    """Σ over accounts = 0 for every asset, exactly."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for (_, asset), amount in ledger.snapshot().balances.items():
        sums[asset] += amount
    assert not any(sums.values()), sums


def folded(fund: Fund, messages: Sequence[Message]) -> Ledger:
    """A ledger that heard nothing but these messages."""
    known = {each.asset: each for each in fund.history.instruments}
    ledger = Ledger(known, quote=fund.config.fund.quote)
    for message in messages:
        if isinstance(message, LEDGER_EVENTS):
            ledger.apply(message)
    return ledger


@pytest.mark.slow
@settings(max_examples=18, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sections=small_funds())
def test_the_books_balance_equal_the_venues_and_fold_from_the_journal(
    sections: Sections,
) -> None:
    """After every event, at every bar, to the last unit."""
    audited = Auditor(fund("momentum", **sections))

    read_back = [audited.codec.decode(payload) for payload in audited.written]

    assert audited.bars > 50
    assert folded(audited.fund, read_back).snapshot() == audited.ledger.snapshot()
    for kind in {type(message).__name__ for message in read_back}:
        event(kind)
