"""The trading state: latched, journaled, and what it lets pass (DESIGN §12.4).

    active       everything
    reduce_only  what brings a position nearer to zero
    paused       nothing
    canceled     nothing, and all of ours is canceled
    halted       nothing, after an emergency

From top to bottom the states get tighter. Commands tighten; only the operator's
`resume` (to active) and `flatten` (to reduce_only, so that the exits pass) loosen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from factortrader.events import OperatorCommanded, TradingStateChanged
from factortrader.events.operator import OperatorAction
from factortrader.events.risk import TradingState

_TIGHTER: Final = tuple(TradingState)

_WANTED: Final[Mapping[OperatorAction, TradingState]] = {
    OperatorAction.RESUME: TradingState.ACTIVE,
    OperatorAction.REDUCE_ONLY: TradingState.REDUCE_ONLY,
    OperatorAction.FLATTEN: TradingState.REDUCE_ONLY,
    OperatorAction.PAUSE: TradingState.PAUSED,
    OperatorAction.CANCEL_ALL: TradingState.CANCELED,
    OperatorAction.HALT: TradingState.HALTED,
}

_LOOSENS: Final = (OperatorAction.RESUME, OperatorAction.FLATTEN)


def lets_pass(state: TradingState, *, reduces: bool) -> bool:
    """Whether an order may go out; reduces: it brings the position nearer to zero."""
    return state is TradingState.ACTIVE or (
        state is TradingState.REDUCE_ONLY and reduces
    )


def commanded(
    state: TradingState, command: OperatorCommanded
) -> TradingStateChanged | None:
    """The change that an operator's command makes, or None where it changes nothing.

    A command that would only loosen (pause while halted) leaves the state latched.
    """
    wanted = _WANTED[command.action]
    loosens = _TIGHTER.index(wanted) < _TIGHTER.index(state)
    if wanted is state or (loosens and command.action not in _LOOSENS):
        return None
    return TradingStateChanged(
        time_ns=command.time_ns, state=wanted, by=command.who, why=command.why
    )
