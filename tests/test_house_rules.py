"""The house is held against its rules, and each rule against a breach of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pytest
from tests import house_rules as rules
from tests.house_modules import EVERYWHERE, SOURCE, Check, modules, parsed

TESTS: Final = ("tests",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A check, where it holds, the smallest breach and the nearest thing allowed."""

    check: Check
    folders: tuple[str, ...] = SOURCE
    breach: str
    allowed: str
    path: str = "src/factortrader/risk/monitor.py"


LINES_51: Final = "def f():\n" + "    x = 1\n" * 50
LINES_50: Final = "def f():\n" + "    x = 1\n" * 49

RULES: Final = (
    Rule(
        check=rules.short_files,
        folders=EVERYWHERE,
        breach="x = 1\n" * 401,
        allowed="x = 1\n" * 400,
    ),
    Rule(
        check=rules.short_functions,
        folders=EVERYWHERE,
        breach=LINES_51,
        allowed=LINES_50,
    ),
    Rule(
        check=rules.few_positional_arguments,
        breach="def f(a, b, c, d): ...",
        allowed="def f(self, a, b, c, *, d): ...",
    ),
    Rule(
        check=rules.few_positional_arguments,
        breach="def f(high, low, close, bars): ...",
        allowed="def f(high, low, close, volume, *, bars): ...",
        path="src/factortrader/factors/volatility.py",
    ),
    Rule(
        check=rules.keyword_only_defaults,
        breach="def f(a=1): ...",
        allowed="def f(*, a=1): ...",
    ),
    Rule(
        check=rules.no_module_state,
        breach="CACHE: Final = []",
        allowed="CODES: Final = (1, 2)\n__all__ = ['f']",
    ),
    Rule(
        check=rules.no_module_state,
        breach="CODES: Final = {1: 2}\ndef f(): CODES[3] = 4",
        allowed="CODES: Final = {1: 2}\ndef f(): return CODES[1]",
    ),
    Rule(
        check=rules.no_module_state,
        breach="SEEN = defaultdict(int)",
        allowed="SEEN: Final[Mapping[int, int]] = {}",
    ),
    Rule(
        check=rules.no_module_state,
        breach="count = 0\ndef f():\n    global count",
        allowed="COUNT = 0",
    ),
    Rule(
        check=rules.no_mode_switches,
        breach="if settings.is_live: pass",
        allowed="if settings.alive: pass",
    ),
    Rule(
        check=rules.no_mode_switches,
        breach="x = 1 if kind == 'backtest' else 2",
        allowed="x = 1 if kind == 'spot' else 2",
    ),
    Rule(
        check=rules.no_clock,
        folders=EVERYWHERE,
        breach="now = datetime.now(tz=UTC)",
        allowed="now = event.time_ns",
    ),
    Rule(
        check=rules.no_clock,
        folders=EVERYWHERE,
        breach="time.sleep(1)",
        allowed="time.strftime('%Y')",
        path="src/factortrader/runtime/engine.py",
    ),
    Rule(
        check=rules.no_iteration_over_sets,
        breach="held = set(x)\nfor asset in held: pass",
        allowed="held = set(x)\nfor asset in sorted(held): pass",
    ),
    Rule(
        check=rules.no_iteration_over_sets,
        breach="x = [a for a in {1, 2}]",
        allowed="x = [a for a in (1, 2)]",
    ),
    Rule(
        check=rules.no_iteration_over_sets,
        breach="x = tuple(set(a) - b)",
        allowed="x = frozenset(set(a) - b)",
    ),
    Rule(
        check=rules.no_banned_words,
        breach="class OrderManager: ...",
        allowed="class OrderManagement: ...",
    ),
    Rule(
        check=rules.no_banned_words,
        breach="def f(bar_data): ...",
        allowed="def f(data_fingerprint): ...",
    ),
    Rule(
        check=rules.no_banned_words,
        breach="self._handlers = ()",
        allowed="self._hearers = ()",
    ),
    Rule(
        check=rules.no_float_money,
        folders=EVERYWHERE,
        breach="fee = Decimal(-0.1)",
        allowed="fee = Decimal('-0.1')",
    ),
    Rule(
        check=rules.no_float_money,
        folders=EVERYWHERE,
        breach="fee = Decimal(str(rate))",
        allowed="fee = decimal_shortest(rate)",
    ),
    Rule(
        check=rules.no_trading_days,
        breach="x = y * 252**0.5",
        allowed="x = y * periods_per_year(interval_ns) ** 0.5",
    ),
    Rule(
        check=rules.american_spelling,
        folders=EVERYWHERE,
        breach="def optimi" + "se(): ...",
        allowed="def optimize(): ...",
    ),
    Rule(
        check=rules.nothing_unfinished,
        folders=EVERYWHERE,
        breach="x = 1  # TO" + "DO: two",
        allowed="x = 1  # to do: two",
    ),
    Rule(
        check=rules.nothing_unfinished,
        folders=EVERYWHERE,
        breach="raise NotImplementedError",
        allowed="raise ValueError",
    ),
    Rule(
        check=rules.no_machine_paths,
        folders=EVERYWHERE,
        breach="x = '/t" + "mp/x'",
        allowed="x = 'runs/tmp/x'",
    ),
    Rule(
        check=rules.module_docstrings,
        breach="x = 1",
        allowed='"""What x is for."""\nx = 1',
    ),
    Rule(
        check=rules.function_docstrings,
        breach="class A:\n    def f(self):\n" + "        x = 1\n" * 8,
        allowed="class A:\n    def _f(self):\n" + "        x = 1\n" * 8,
    ),
    Rule(
        check=rules.tests_that_claim,
        folders=TESTS,
        breach="def test_fees(): ...",
        allowed="def test_fees_are_never_negative(): ...",
        path="tests/unit/test_costs.py",
    ),
    Rule(
        check=rules.fakes_not_mocks,
        folders=TESTS,
        breach="from unittest.mock import Mock",
        allowed="from tests.fakes import FakeVenue",
        path="tests/unit/test_costs.py",
    ),
    Rule(
        check=rules.fakes_not_mocks,
        folders=TESTS,
        breach="def test(monkeypatch): monkeypatch.setattr(a, 'b', 1)",
        allowed="def test(monkeypatch): monkeypatch.chdir(a)",
        path="tests/unit/test_costs.py",
    ),
)
BY_CHECK: Final = {rule.check: rule.folders for rule in RULES}


@pytest.mark.slow
@pytest.mark.parametrize("check", BY_CHECK, ids=lambda check: check.__name__)
def test_the_house_keeps(check: Check) -> None:
    """No module breaks the rule in the folders where it holds."""
    breaches = [
        f"{module.path}:{line}: {what}"
        for module in modules(BY_CHECK[check])
        for line, what in check(module)
    ]

    assert not breaches, f"{len(breaches)} breaches:\n" + "\n".join(breaches)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.check.__name__)
def test_a_rule_notices_its_breach(rule: Rule) -> None:
    """The smallest breach is found, the nearest thing allowed is not."""
    breach = parsed(rule.breach, rule.path)
    allowed = parsed(rule.allowed, rule.path)

    assert list(rule.check(breach))
    assert not list(rule.check(allowed))


def test_a_banned_word_in_a_file_name_is_noticed() -> None:
    """A module may not be called utils, whatever stands in it."""
    module = parsed("", "src/factortrader/market/utils.py")

    assert list(rules.no_banned_words(module))


def test_the_rules_look_at_the_whole_house() -> None:
    """Every source folder has modules, the decision path among them."""
    for folder in SOURCE:
        assert modules((folder,))
    assert any(module.in_decision_path for module in modules(SOURCE))
