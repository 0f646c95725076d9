"""The simulated venue: a world in simulated time that answers orders (DESIGN §7).

What falls on one moment happens in this order, and every answer is dated there:

    1  what the market says   rules, redenominations, funding
    2  what arrives           orders and cancels, first in, first out
    3  a bar's close          late and resting orders, borrow, ends of life, margin
    4  validity that ends     working orders expire
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from decimal import Decimal, localcontext
from typing import Final, Literal, NamedTuple

from factortrader.costs import CostModel
from factortrader.errors import BadInput, BrokenInvariant
from factortrader.events import (
    CancelOrder,
    Command,
    CorporateActionApplied,
    Event,
    FundingRatePublished,
    InstrumentRulesChanged,
    SubmitOrder,
    TransferBooked,
)
from factortrader.ports import History
from factortrader.units import (
    MONEY,
)
from factortrader_adapters.simulated.account import Account
from factortrader_adapters.simulated.admission import Admission
from factortrader_adapters.simulated.clearing import ClearingHouse
from factortrader_adapters.simulated.counterparty import Counterparty
from factortrader_adapters.simulated.desk import OrderDesk
from factortrader_adapters.simulated.ends import (
    DisappearanceRule,
    EndedPosition,
    EndOfLife,
    ends_of_life,
)
from factortrader_adapters.simulated.latency import Latency
from factortrader_adapters.simulated.prints import Prints
from factortrader_adapters.simulated.settings import SimulatedVenueSettings

NEWS, ARRIVAL, CLOSE, EXPIRY = range(4)
"""What happens first at equal times."""

_HEARD: Final = (CorporateActionApplied, FundingRatePublished, InstrumentRulesChanged)


class Arrival(NamedTuple):
    time_ns: int
    command: SubmitOrder | CancelOrder


class SimulatedVenue:
    """Conforms to `ports.SimulatedVenue`.

    The account opens with `start(time_ns)`; without it, at the first bar of the
    history. The first answer is the transfer of the initial capital, dated there.
    Raises BadInput for a capital that is not positive, for a haircut outside [0, 1]
    and for idealized shorts without `[costs] borrow_annual`.
    """

    Settings = SimulatedVenueSettings

    def __init__(
        self,
        settings: SimulatedVenueSettings,
        *,
        history: History,
        costs: CostModel,
        quote: str,
        capital: Decimal,
        seed: int,
        on_disappearance: Literal["haircut", "last_price"],
        haircut: float,
    ) -> None:
        _check(history, costs, capital=capital, haircut=haircut)
        self._quote = quote
        self._capital = capital
        rule = DisappearanceRule(policy=on_disappearance, haircut=haircut)
        self._latency = Latency(
            fixed_seconds=settings.latency_seconds,
            jitter_seconds=settings.latency_jitter_seconds,
            seed=seed,
        )
        self._news = tuple(e for e in history.events if isinstance(e, _HEARD))
        self._news_at = 0
        self._prints = Prints(
            history.panel,
            (e for e in self._news if isinstance(e, CorporateActionApplied)),
        )
        ends = ends_of_life(
            history.instruments,
            printed=self._prints.printed,
            closes_ns=self._prints.closes_ns,
        )
        self._settlements = tuple(end for end in ends if end.row is not None)
        self._settlements_at = 0
        self._outbox: deque[Event] = deque()
        self._open_house(settings, history, ends=ends, costs=costs, rule=rule)
        self._arrivals: deque[Arrival] = deque()
        self._clock_ns: int | None = None
        self._row = 0

    def _open_house(
        self,
        settings: SimulatedVenueSettings,
        history: History,
        *,
        ends: tuple[EndOfLife, ...],
        costs: CostModel,
        rule: DisappearanceRule,
    ) -> None:
        """Account, admission, desk and clearing, in order of dependence."""
        prints, say = self._prints, self._outbox.append
        self._account = Account(
            history.instruments, quote=self._quote, costs=costs, prints=prints
        )
        self._admission = Admission(prints.assets, ends)
        self._desk = OrderDesk(
            settings,
            account=self._account,
            admission=self._admission,
            counterparty=Counterparty(
                self._account.instruments,
                admission=self._admission,
                costs=costs,
                max_participation=settings.max_participation,
            ),
            prints=prints,
            say=say,
        )
        self._clearing = ClearingHouse(
            account=self._account,
            admission=self._admission,
            desk=self._desk,
            prints=prints,
            costs=costs,
            disappearance=rule,
            say=say,
        )

    # --- the port -----------------------------------------------------------------

    def start(self, time_ns: int) -> None:
        """Open the account at that time: what was said before has happened.

        Raises BrokenInvariant if it is open already.
        """
        if self._clock_ns is not None:
            raise BrokenInvariant("the account is open already", where="venue")
        self._clock_ns = time_ns
        self._row = self._prints.row_after(time_ns)
        with localcontext(MONEY):
            while self._news_at < len(self._news) and (
                self._news[self._news_at].time_ns <= time_ns
            ):
                self._hear(self._news[self._news_at])
                self._news_at += 1
            transfer = TransferBooked(
                time_ns=time_ns,
                currency=self._quote,
                amount=self._capital,
                reference="initial capital",
            )
            self._account.book(transfer, asset=None)
        self._outbox.append(transfer)

    def execute(self, command: Command) -> None:
        """Put an order or a cancel on its way; nothing else is for a venue."""
        if not isinstance(command, SubmitOrder | CancelOrder):
            raise BrokenInvariant(
                f"a venue executes no {type(command).__name__}", where="venue"
            )
        if self._clock_ns is None:
            raise BrokenInvariant("the account is not open yet", where="venue")
        arrival_ns = self._latency.arrival_ns(
            sent_ns=command.time_ns, venue_ns=self._clock_ns
        )
        self._arrivals.append(Arrival(arrival_ns, command))

    def next_ns(self) -> int | None:
        """When something can happen here: at times it is nothing after all."""
        if self._outbox:
            return self._outbox[0].time_ns
        if self._clock_ns is None:
            return self._prints.closes_ns[0] if self._prints.closes_ns else None
        moment = self._next_moment()
        return None if moment is None else moment[0]

    def advance(self, to_ns: int) -> Iterator[Event]:
        """Everything up to that time, lazily: commands given meanwhile count."""
        if self._clock_ns is None:
            first_ns = self._prints.closes_ns[0] if self._prints.closes_ns else to_ns
            if first_ns > to_ns:
                return
            self.start(first_ns)
        while True:
            while self._outbox:
                yield self._outbox.popleft()
            moment = self._next_moment()
            if moment is None or moment[0] > to_ns:
                break
            self._live_through(*moment)
        self._clock_ns = max(self._clock_ns or to_ns, to_ns)
        self._row = max(self._row, self._prints.row_after(to_ns))

    def ends(self) -> tuple[EndedPosition, ...]:
        """Every position that ended with its instrument, oldest first."""
        return tuple(self._clearing.ended)

    # --- time ---------------------------------------------------------------------

    def _next_moment(self) -> tuple[int, int] | None:
        moments: list[tuple[int, int]] = []
        if self._news_at < len(self._news):
            moments.append((self._news[self._news_at].time_ns, NEWS))
        if self._arrivals:
            moments.append((self._arrivals[0].time_ns, ARRIVAL))
        row = self._next_busy_row()
        if row is not None:
            moments.append((self._prints.closes_ns[row], CLOSE))
        expiry_ns = self._desk.next_expiry_ns()
        if expiry_ns is not None:
            moments.append((expiry_ns, EXPIRY))
        return min(moments, default=None)

    def _next_busy_row(self) -> int | None:
        """The next row at whose close something may happen: often far away."""
        if self._desk.has_working or self._account.has_perpetuals:
            return self._row if self._row < len(self._prints.closes_ns) else None
        while self._settlements_at < len(self._settlements):
            row = self._settlements[self._settlements_at].row
            if row is not None and row >= self._row:
                return row
            self._settlements_at += 1
        return None

    def _live_through(self, time_ns: int, phase: int) -> None:
        self._clock_ns = time_ns
        self._row = max(self._row, self._prints.row_at(time_ns))
        with localcontext(MONEY):
            if phase == NEWS:
                event = self._news[self._news_at]
                self._news_at += 1
                self._hear(event)
            elif phase == ARRIVAL:
                self._receive(self._arrivals.popleft())
            elif phase == CLOSE:
                row, self._row = self._row, self._row + 1
                self._close(row, time_ns)
            else:
                self._desk.expire_due(time_ns)

    def _hear(self, event: Event) -> None:
        """What the market said; it was delivered before this."""
        match event:
            case InstrumentRulesChanged():
                self._admission.set_rules(event.asset, event.rules)
            case CorporateActionApplied():
                self._clearing.redenominate(event)
            case FundingRatePublished():
                self._clearing.fund(event)

    def _receive(self, arrival: Arrival) -> None:
        now_ns, command = arrival
        match command:
            case SubmitOrder(order=order):
                self._desk.arrive(order, sent_ns=command.time_ns, now_ns=now_ns)
            case CancelOrder():
                self._desk.cancel(command, now_ns=now_ns)

    def _close(self, row: int, now_ns: int) -> None:
        self._desk.close_row(row, now_ns)
        self._clearing.borrow(row, now_ns)
        while self._settlements_at < len(self._settlements):
            end = self._settlements[self._settlements_at]
            if end.row is None or end.row > row:
                break
            self._settlements_at += 1
            if end.row == row:
                self._clearing.settle_end(end, now_ns)
        self._clearing.check_margin(now_ns)


def _check(
    history: History, costs: CostModel, *, capital: Decimal, haircut: float
) -> None:
    if capital <= 0:
        raise BadInput(
            f"the capital must be above 0, got {capital}",
            code="capital",
            remedy="set [fund] capital",
        )
    if not 0.0 <= haircut <= 1.0:
        raise BadInput(
            f"a haircut is a fraction between 0 and 1, got {haircut}",
            code="haircut",
            remedy="set [universe] haircut",
        )
    idealized = any(each.idealized for each in history.instruments)
    if idealized and costs.settings.borrow_annual is None:
        raise BadInput(
            "shorts of spot cost borrow, and no rate is given",
            code="borrow_missing",
            remedy="set [costs] borrow_annual, or trade long only",
        )
