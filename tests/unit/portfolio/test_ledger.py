"""The ledger books every movement twice, and refuses what cannot be."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from tests.builders import fill, instruments, made, perpetual, spot, transfer

from factortrader.errors import BadInput, BrokenInvariant
from factortrader.events import (
    CorporateActionApplied,
    FundingPaid,
    PositionSettled,
    Side,
)
from factortrader.instruments import EndReason
from factortrader.portfolio.entries import Account, Entry, MissingMark, Overdrawn
from factortrader.portfolio.ledger import Ledger
from factortrader.units import MONEY, parse_time_ns

D = Decimal
PERP = "BTC-PERP"


def ledger(*events, known=None) -> Ledger:
    """A ledger with 10,000 USDT after these events."""
    booked = Ledger(
        known or instruments(spot("BTC"), spot("BNB"), perpetual(PERP)), quote="USDT"
    )
    for event in (transfer("10000"), *events):
        booked.apply(event)
    return booked


def trade(number: int, side: Side, quantity: str, price: str, **changes):
    """A fill of the perpetual."""
    changes = {"asset": PERP, "trade_id": str(number)} | changes
    return fill(side=side, quantity=quantity, price=price, **changes)


def test_a_purchase_moves_the_asset_the_cash_and_the_fee() -> None:
    """Three entries, each from one account to another."""
    book = ledger()

    entries = book.apply(fill(quantity="2", price="100.5", fee="0.201"))

    assert entries == (
        Entry(Account.MARKET, Account.WALLET, "BTC", D(2)),
        Entry(Account.WALLET, Account.MARKET, "USDT", D(201)),
        Entry(Account.WALLET, Account.FEES, "USDT", D("0.201")),
    )
    assert (book.cash, book.position("BTC")) == (D("9798.799"), D(2))
    assert book.balance("USDT", account=Account.FEES) == D("0.201")


def test_a_sale_brings_the_proceeds_less_the_fee() -> None:
    """A closed spot position leaves nothing behind."""
    book = ledger(
        fill(trade_id="1", quantity="2", price="100"),
        fill(trade_id="2", side=Side.SELL, quantity="2", price="110", fee="0.22"),
    )

    assert (book.cash, book.positions()) == (D("10019.78"), {})


def test_a_fee_in_the_base_currency_reduces_the_position() -> None:
    """What arrives is the quantity less the fee."""
    book = ledger(fill(quantity="1", price="100", fee="0.001", fee_currency="BTC"))

    assert (book.position("BTC"), book.cash) == (D("0.999"), D(9900))


def test_a_fee_in_a_third_currency_is_taken_from_its_balance() -> None:
    """BNB pays for a purchase of BTC; equity falls by the fee at its mark."""
    book = ledger(transfer("5", currency="BNB"))
    marks = {"BTC": D(100), "BNB": D(300)}
    before = book.equity(marks)

    book.apply(fill(quantity="1", price="100", fee="0.01", fee_currency="BNB"))

    assert book.balance("BNB") == D("4.99")
    assert before - book.equity(marks) == D(3)


def test_a_currency_without_an_instrument_is_held_under_its_own_name() -> None:
    """It has a balance and needs a mark like anything else."""
    book = ledger(transfer("7", currency="XYZ"))

    assert book.positions() == {"XYZ": D(7)}
    assert book.equity({"XYZ": D(2)}) == D(10_014)
    with pytest.raises(MissingMark, match="XYZ is held"):
        book.equity({})


def test_a_ticker_that_came_back_is_another_asset() -> None:
    """A deposit goes to the life of that base that has begun by then."""
    first = spot("LUNA", listed_ns=parse_time_ns("2020-01-01"))
    second = spot("LUNA.2", base="LUNA", listed_ns=parse_time_ns("2022-06-01"))
    deposit = {"amount": "3", "currency": "LUNA"}

    book = ledger(
        transfer(**deposit, time_ns=parse_time_ns("2022-05-31")),
        transfer(**deposit, time_ns=parse_time_ns("2022-06-01")),
        transfer(**deposit, time_ns=parse_time_ns("2022-06-02")),
        known=instruments(second, first),
    )

    assert book.positions() == {"LUNA": D(3), "LUNA.2": D(6)}


def test_spot_cannot_be_oversold() -> None:
    """A sale of more than is held raises and posts nothing."""
    book = ledger(fill(trade_id="1", quantity="1", price="100"))
    before = book.snapshot()

    with pytest.raises(Overdrawn) as caught:
        book.apply(fill(trade_id="2", side=Side.SELL, quantity="1.5", price="100"))

    assert (caught.value.asset, caught.value.held) == ("BTC", D(1))
    assert str(caught.value).startswith("[invariant] ledger: fill 2 would leave -0.5")
    assert book.snapshot() == before
    assert book.apply(fill(trade_id="2", side=Side.SELL, quantity="1", price="100"))


@pytest.mark.parametrize(
    ("event", "asset"),
    [
        (fill(quantity="100", price="100", fee="0.01"), "USDT"),
        (transfer("-10000.01"), "USDT"),
        (transfer("-1", currency="BNB"), "BNB"),
        (fill(quantity="1", fee="0.01", fee_currency="BNB"), "BNB"),
    ],
    ids=["purchase with fee", "withdrawal", "withdrawal of an asset", "fee in BNB"],
)
def test_what_is_not_there_cannot_be_spent(event, asset) -> None:
    """Purchases, withdrawals and fees in kind must be covered."""
    book = ledger()
    before = book.snapshot()

    with pytest.raises(Overdrawn) as caught:
        book.apply(event)

    assert caught.value.asset == asset
    assert book.snapshot() == before


def test_the_last_cent_can_be_spent() -> None:
    """A purchase whose cost and fee are exactly the cash is booked."""
    book = ledger(fill(quantity="99", price="100", fee="100"))

    assert book.cash == 0


# --- perpetuals ---------------------------------------------------------------


def test_a_perpetual_moves_no_cash_but_the_fee() -> None:
    """Its contracts have an account of their own, its entry value stands beside it."""
    book = ledger(trade(1, Side.BUY, "3", "100", fee="0.3"))

    assert (book.cash, book.balance(PERP)) == (D("9999.7"), D(0))
    assert (book.position(PERP), book.entry_value(PERP)) == (D(3), D(300))
    assert book.equity({PERP: D(110)}) == D("10029.7")


def test_a_short_earns_when_the_price_falls() -> None:
    """Position and entry value are negative; profit is what was not paid back."""
    book = ledger(trade(1, Side.SELL, "2", "100"))
    assert (book.position(PERP), book.entry_value(PERP)) == (D(-2), D(-200))
    assert book.equity({PERP: D(90)}) == D(10_020)

    book.apply(trade(2, Side.BUY, "2", "90"))

    assert (book.realized(PERP), book.cash) == (D(20), D(10_020))
    assert book.balance("USDT", account=Account.PROFIT) == D(-20)
    assert (book.positions(), book.entry_value(PERP)) == ({}, D(0))


def test_a_multiplier_scales_value_and_profit() -> None:
    """One contract of a thousand units."""
    known = instruments(perpetual(PERP, multiplier=D(1000)))
    book = ledger(
        trade(1, Side.BUY, "2", "0.5"), trade(2, Side.SELL, "1", "0.6"), known=known
    )

    assert (book.realized(PERP), book.entry_value(PERP)) == (D(100), D(500))
    assert book.equity({PERP: D("0.7")}) == D(10_300)
    assert book.multiplier(PERP) == 1000


def test_losses_of_perpetuals_may_take_the_cash_below_zero() -> None:
    """They are paid out of margin: nothing is refused, and equity tells the truth."""
    book = ledger(
        trade(1, Side.BUY, "200", "100"), trade(2, Side.SELL, "200", "40", fee="1")
    )

    assert book.cash == D(-2001)
    assert book.equity({}) == D(-2001)


def test_margins_are_sums_over_perpetuals() -> None:
    """Spot needs none; a short needs as much as a long."""
    known = instruments(spot("BTC"), perpetual("A-PERP"), perpetual("B-PERP"))
    book = ledger(
        fill(quantity="1", price="100"),
        trade(1, Side.BUY, "2", "100", asset="A-PERP"),
        trade(2, Side.SELL, "3", "10", asset="B-PERP"),
        known=known,
    )
    marks = {"BTC": D(100), "A-PERP": D(100), "B-PERP": D(10)}

    assert book.initial_margin(marks) == D(23)
    assert book.maintenance_margin(marks) == D("11.5")


def test_an_instrument_in_another_quote_is_refused() -> None:
    """One account is kept in one currency."""
    with pytest.raises(BadInput, match="ETHBTC is quoted in BTC"):
        Ledger(instruments(spot("ETHBTC", quote="BTC")), quote="USDT")


def test_the_instruments_may_grow() -> None:
    """A listing during the run can be traded at once."""
    known = instruments(spot("BTC"))
    book = ledger(known=known)
    known["NEW"] = spot("NEW")

    book.apply(fill(asset="NEW", quantity="1", price="5"))

    assert book.position("NEW") == 1


def test_an_unknown_asset_is_a_broken_invariant() -> None:
    """Nobody can say whether it is spot or a perpetual."""
    with pytest.raises(BrokenInvariant, match="GHOST is no known instrument"):
        ledger().apply(fill(asset="GHOST"))


def test_a_fee_in_a_currency_that_only_a_perpetual_bears_is_refused() -> None:
    """A balance and a position of one name could not be told apart."""
    known = instruments(perpetual("DOGE", base="DOGE"), spot("BTC"))

    with pytest.raises(BrokenInvariant, match="DOGE is a perpetual here"):
        ledger(known=known).apply(fill(fee="1", fee_currency="DOGE"))


# --- funding, transfers, settlements, actions -----------------------------------


@pytest.mark.parametrize(
    ("kind", "account"), [("funding", Account.FUNDING), ("borrow", Account.BORROW)]
)
def test_carry_posts_to_the_quote_currency(kind, account) -> None:
    """Received is positive, paid is negative, each kind under its own account."""
    book = ledger(
        made(FundingPaid, amount="3", kind=kind),
        made(FundingPaid, amount="-5", kind=kind),
    )

    assert book.cash == D(9_998)
    assert book.balance("USDT", account=account) == D(2)


def test_an_unknown_kind_of_carry_is_refused() -> None:
    """It would have no account."""
    with pytest.raises(BrokenInvariant, match='"funding" or "borrow", not \'gift\''):
        ledger().apply(made(FundingPaid, kind="gift"))


def test_a_withdrawal_is_a_negative_transfer() -> None:
    """Capital in and out stands in one account."""
    book = ledger(transfer("-4000"))

    assert book.cash == D(6_000)
    assert book.balance("USDT", account=Account.TRANSFERS) == D(-6_000)


def test_a_delisted_position_is_sold_at_the_settlement_price() -> None:
    """At a haircut of 100 % nothing comes back and the position is gone."""
    held = fill(quantity="2", price="100")
    half = made(
        PositionSettled, quantity="2", price="50", reason=EndReason.DELISTED, fee="1"
    )
    nothing = made(PositionSettled, quantity="2", price="0", reason=EndReason.UNKNOWN)

    assert ledger(held, half).cash == D(9_899)
    assert ledger(held, nothing).cash == D(9_800)
    assert ledger(held, nothing).positions() == {}


def test_a_liquidation_realizes_the_loss_and_charges_its_fee() -> None:
    """A short of 2 contracts from 100 is bought back at 130."""
    book = ledger(
        trade(1, Side.SELL, "2", "100"),
        made(PositionSettled, asset=PERP, quantity="-2", price="130", fee="1.3"),
    )

    assert (book.realized(PERP), book.cash) == (D(-60), D("9938.7"))
    assert (book.positions(), book.entry_value(PERP)) == ({}, D(0))


@pytest.mark.parametrize("quantity", ["3", "-1"])
def test_no_more_can_be_settled_than_is_held(quantity) -> None:
    """A settlement that contradicts the position, or comes twice, posts nothing."""
    book = ledger(fill(quantity="2"))
    before = book.snapshot()

    with pytest.raises(BrokenInvariant, match="the position is 2"):
        book.apply(made(PositionSettled, quantity=quantity))

    assert book.snapshot() == before


@pytest.mark.parametrize("side", Side)
def test_a_redenomination_of_a_perpetual_keeps_its_entry_value(side) -> None:
    """Ten times the contracts at a tenth of the price are worth the same."""
    book = ledger(trade(1, side, "2", "100"))
    before = book.equity({PERP: D(120)})

    entries = book.apply(made(CorporateActionApplied, asset=PERP, numerator=10))

    assert [entry.asset for entry in entries] == [PERP]
    assert book.position(PERP) == 20 * side.sign
    assert book.entry_value(PERP) == 200 * side.sign
    assert book.equity({PERP: D(12)}) == before


@pytest.mark.parametrize(("side", "lost"), [(Side.BUY, 1), (Side.SELL, -1)])
def test_a_short_or_long_floored_to_nothing_realizes_its_entry_value(
    side, lost
) -> None:
    """Flooring is towards zero on both sides, and no entry value stays without one."""
    book = ledger(trade(1, side, "0.00000001", "300"))

    book.apply(made(CorporateActionApplied, asset=PERP, numerator=1, denominator=3))

    assert (book.positions(), book.entry_value(PERP)) == ({}, D(0))
    assert book.realized(PERP) == -lost * D("0.000003")


def test_an_action_delivered_twice_changes_nothing() -> None:
    """The id of the record decides; what is not held is not changed either."""
    assert ledger().apply(made(CorporateActionApplied)) == ()
    book = ledger(fill(quantity="2"), made(CorporateActionApplied, action="split-7"))
    before = book.snapshot()

    assert book.apply(made(CorporateActionApplied, action="split-7")) == ()
    assert book.snapshot() == before


# --- what holds always ------------------------------------------------------------


def test_a_fill_delivered_twice_changes_nothing() -> None:
    """(asset, trade id) identifies a fill; another asset's trade is another."""
    book = ledger(fill(trade_id="7", quantity="1"))
    before = book.snapshot()

    assert book.apply(fill(trade_id="7", quantity="1")) == ()
    assert book.snapshot() == before
    assert book.apply(trade(7, Side.BUY, "1", "100")) != ()


def test_a_snapshot_cannot_be_changed_and_does_not_change() -> None:
    """It is a copy, read-only, of the moment it was taken."""
    book = ledger()
    before = book.snapshot()

    book.apply(fill(quantity="1"))

    assert before.balances[Account.WALLET, "USDT"] == D(10_000)
    assert book.snapshot() != before
    with pytest.raises(TypeError):
        before.balances[Account.WALLET, "USDT"] = D(0)  # type: ignore[index]


def test_the_ledger_is_exact_whatever_context_it_is_called_in() -> None:
    """It enters the money context itself; a narrow one outside rounds nothing."""
    book = ledger()

    with localcontext() as narrow:
        narrow.prec = 4
        book.apply(fill(quantity="1.23456789", price="1234.56789"))
        equity = book.equity({"BTC": D("1234.56789")})

    assert book.cash == D(10_000) - MONEY.multiply(D("1.23456789"), D("1234.56789"))
    assert equity == D(10_000)


def test_an_amount_that_would_be_rounded_raises_and_posts_nothing() -> None:
    """More than fifty digits cannot be kept, so they are not kept quietly."""
    book = ledger()
    before = book.snapshot()

    with pytest.raises(ArithmeticError):
        book.apply(fill(quantity="1e-30", price="1.000000000000000000001"))

    assert book.snapshot() == before
