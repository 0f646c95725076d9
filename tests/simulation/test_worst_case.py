"""The worst case that risk is told is never stale, whatever happened in between."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pytest
from tests.funds import fund

from factortrader.events import MESSAGES, Event
from factortrader.runtime.assembly import build_components, build_simulated_venue
from factortrader.runtime.codec import ReplayCodec
from factortrader.runtime.engine import Engine
from factortrader.runtime.journal import ChainedJournal
from factortrader.runtime.replay import Replay
from factortrader.runtime.wiring import Components, wire

FUNDS = (
    "legs_together",
    "post_only",
    "late_jittery_venue",
    "long_short_perpetuals",
    "idealized_shorts",
)


class Auditor:
    """Weighs every exposed asset anew, in the middle of cascades too.

    Asked after every event the fold could not be stale, so only every third is.
    """

    def __init__(self, core: Components) -> None:
        self.core = core
        self.heard = 0
        self.with_orders = 0

    def on_event(self, event: Event) -> tuple[()]:
        self.heard += 1
        if self.heard % 3 == 0:
            case = self.core.holdings.worst_case()
            self.with_orders += any(True for _ in self.core.orders)
            assert known(case.spot) == self.weighed(perpetual=False), event
            assert known(case.perpetuals) == self.weighed(perpetual=True), event
            now = {a: self.value(a, self.core.holdings.position(a)) for a in case.spot}
            assert known(case.spot_now) == known(now), event
        return ()

    def weighed(self, *, perpetual: bool) -> dict[str, float]:
        holdings = self.core.holdings
        worst: dict[str, float] = {}
        for asset in holdings.exposed:
            if holdings.is_perpetual(asset) is perpetual:
                position, (buying, selling) = (
                    holdings.position(asset),
                    holdings.working(asset),
                )
                size = max(abs(position + buying), abs(position - selling))
                worst[asset] = self.value(asset, size)
        return known(worst)

    def value(self, asset: str, quantity) -> float:
        holdings = self.core.holdings
        units = abs(quantity) * holdings.multiplier(asset)
        value = float(units) * holdings.mark(asset)
        return value if math.isfinite(value) else 0.0


def known(values: Mapping[str, float]) -> dict[str, float]:
    """What has left the account weighs nothing."""
    return {asset: value for asset, value in values.items() if value}


@pytest.mark.slow
@pytest.mark.parametrize("name", FUNDS)
def test_the_worst_case_is_what_weighing_everything_anew_gives(name: str) -> None:
    """At any event of a cascade, to the bit."""
    given = fund(name)
    core = build_components(given, environment="replay", memo=True)
    bus, auditor = wire(core), Auditor(core)
    for kind in MESSAGES:
        if issubclass(kind, Event):
            bus.subscribe(kind, auditor.on_event)

    Replay(
        engine=Engine(bus),
        history=given.history,
        venue=build_simulated_venue(given),
        journal=ChainedJournal(
            genesis_link=b"", encode=ReplayCodec(given.history).encode
        ),
    ).run()

    assert auditor.with_orders > 100
