"""The house rules: sizes, names, and idioms that are not ours.

A rule is a function from a module to its breaches, in the spirit of TigerBeetle's
tidy.zig. `test_house_rules.py` lists them and holds the house against them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.house_modules import (
    SOURCE,
    Breaches,
    Function,
    Module,
    is_protocol,
    port_methods,
)

from factortrader.market.panel import BAR_FIELDS, EXTRA_FIELDS

LONGEST_FILE: Final = 400
LONGEST_FUNCTION: Final = 50
MOST_POSITIONAL: Final = 3
TRIVIAL_LINES: Final = 8
"""A public function up to this long may speak through its name alone."""

PANEL_FIELDS: Final = frozenset({*BAR_FIELDS, *EXTRA_FIELDS})

SHORTEST_CLAIM: Final = 4
"""Words of a test's name that may stand without a docstring."""

CLOCK_EDGES: Final = (
    "src/factortrader/cli/",
    "src/factortrader/logs.py",
    "src/factortrader/runtime/",
    "benchmarks/",
)
"""May ask what time it is; the decision path inside runtime/ may still not."""

BANNED_WORDS: Final = re.compile(
    r"(?:^|_)(?:(managers?|handlers?|helpers?|utils?|infos?|process(?:es|ors?)?)(?=_|$)"
    r"|(data)$)"
)
"""`data` says nothing as the last word; `[data]` and the verb `data` are the user's."""

MODE_NAMES: Final = re.compile(
    r"(?:is_|in_)?(?:live|paper|backtest|backtesting|replay|sandbox)_?(?:mode)?"
    r"|(?:run|trading)_?mode|is_(?:unit_)?testing"
)
MODE_WORDS: Final = frozenset({"live", "paper", "backtest", "replay"})
UNFINISHED: Final = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
MACHINE_PATH: Final = re.compile(r"""["'\s(](?:/work|/tmp|/home|/root)(?:/|["'\s])""")
BRITISH: Final = re.compile(
    r"(?:optimi|standardi|annuali|normali|initiali|seriali|neutrali|regulari|winsori"
    r"|organi|recogni|minimi|maximi|summari)s(?:e|ing|ation)"
    r"|(?:col|behavi|neighb|fav)our|cancell(?:ed|ing)|modell(?:ed|ing)|\bcentre",
    re.IGNORECASE,
)
CLOCKS: Final = re.compile(
    r"(?:datetime|date|Timestamp)\.(?:now|utcnow|today)"
    r"|time\.(?:time|monotonic|perf_counter|process_time)(?:_ns)?|time\.sleep"
)
MUTATORS: Final = frozenset(
    {"append", "add", "extend", "update", "pop", "popitem", "setdefault", "clear"}
)

# --- sizes ------------------------------------------------------------------------


def short_files(module: Module) -> Breaches:
    lines = module.text.count("\n")
    if lines > LONGEST_FILE:
        yield 1, f"{lines} lines, at most {LONGEST_FILE}"


def short_functions(module: Module) -> Breaches:
    for function in module.functions:
        lines = (function.end_lineno or function.lineno) - function.lineno + 1
        if lines > LONGEST_FUNCTION:
            yield (
                function.lineno,
                f"{function.name} has {lines} lines, at most {LONGEST_FUNCTION}",
            )


def few_positional_arguments(module: Module) -> Breaches:
    """A factor may take as many panel fields as its formula has."""
    for function in module.functions:
        names = positional(function)
        if "/factors/" in module.path and PANEL_FIELDS.issuperset(names):
            continue
        if len(names) > MOST_POSITIONAL:
            yield (
                function.lineno,
                f"{function.name} takes {len(names)} positional arguments",
            )


def keyword_only_defaults(module: Module) -> Breaches:
    """`main(argv)` is called without arguments by the installed command."""
    for function in module.functions:
        if function.args.defaults and function.name != "main":
            yield function.lineno, f"{function.name} has a positional default"


def positional(function: Function) -> list[str]:
    arguments = [*function.args.posonlyargs, *function.args.args]
    return [each.arg for each in arguments if each.arg not in {"self", "cls"}]


# --- state and modes --------------------------------------------------------------


def no_module_state(module: Module) -> Breaches:
    """No mutable value has a module-level name, save a `Final` dict nobody changes."""
    tables: set[str] = set()
    for node in module.tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = {ast.unparse(target) for target in targets}
        annotation = ast.unparse(getattr(node, "annotation", ast.Name("")))
        if isinstance(node.value, ast.Dict) and re.match("Final|Mapping", annotation):
            tables |= names
        elif is_mutable(node.value) and names != {"__all__"}:
            yield (
                node.lineno,
                f"{', '.join(names)} is mutable: a tuple or Final mapping",
            )
    for part in module.nodes:
        if isinstance(part, ast.Global):
            yield part.lineno, f"global {', '.join(part.names)}"
        elif changed(part) in tables:
            yield getattr(part, "lineno", 1), f"{changed(part)} is changed"


def is_mutable(value: ast.expr) -> bool:
    literal = ast.List | ast.Set | ast.Dict | ast.ListComp | ast.SetComp | ast.DictComp
    constructors = r"(?:collections\.)?(?:list|dict|set|defaultdict|deque|Counter)"
    return isinstance(value, literal) or (
        isinstance(value, ast.Call)
        and re.fullmatch(constructors, ast.unparse(value.func)) is not None
    )


def changed(node: ast.AST) -> str | None:
    """The name whose content this node changes."""
    match node:
        case ast.Subscript(value=ast.Name(id=name), ctx=ast.Store() | ast.Del()):
            return name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method)):
            return name if method in MUTATORS else None
    return None


def no_mode_switches(module: Module) -> Breaches:
    """R3: nobody asks which world this is."""
    for node in module.nodes:
        match node:
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test):
                for part in ast.walk(test):
                    name = getattr(part, "id", getattr(part, "attr", ""))
                    if MODE_NAMES.fullmatch(name):
                        yield getattr(part, "lineno", 1), f"asks for {name}"
            case ast.Compare(comparators=[ast.Constant(value=str(word))]):
                if word in MODE_WORDS and "/cli/" not in module.path:
                    yield node.lineno, f'compares with "{word}"'


def no_clock(module: Module) -> Breaches:
    """R10: time is stamped once at the edge."""
    if module.path.startswith(CLOCK_EDGES) and not module.in_decision_path:
        return
    for call in module.calls:
        name = ast.unparse(call.func)
        if re.search(rf"(?:^|\.)(?:{CLOCKS.pattern})$", name):
            yield call.lineno, f"asks {name}()"


def no_iteration_over_sets(module: Module) -> Breaches:
    """R1: the order of a set is nobody's; sort it first."""
    if not module.in_decision_path:
        return
    for scope in (module.tree, *module.functions):
        sets = {
            ast.unparse(target)
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign) and is_set(node.value, frozenset())
            for target in node.targets
        }
        for node in ast.walk(scope):
            match node:
                case ast.For(iter=over) | ast.comprehension(iter=over):
                    pass
                case ast.Call(func=ast.Name(id="list" | "tuple"), args=[over]):
                    pass
                case _:
                    continue
            if is_set(over, frozenset(sets)):
                yield over.lineno, f"iterates over the set {ast.unparse(over)}"


def is_set(value: ast.expr, known: frozenset[str]) -> bool:
    match value:
        case ast.Set() | ast.SetComp():
            return True
        case ast.Call(func=ast.Name(id="set" | "frozenset")):
            return True
        case ast.BinOp(left=left, op=ast.BitOr() | ast.BitAnd() | ast.Sub()):
            return is_set(left, known)
    return ast.unparse(value) in known


# --- words and numbers ------------------------------------------------------------


def no_banned_words(module: Module) -> Breaches:
    stem = Path(module.path).stem
    for line, name in ((1, stem), *defined(module)):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
        word = BANNED_WORDS.search(words)
        if word is None:
            continue
        on_the_bus = words.endswith("handlers") or words == "handler"
        if on_the_bus and module.path.endswith("/bus.py"):
            continue
        if name.strip("_") == "data" and re.search(
            r"/cli/|config|commands", module.path
        ):
            continue
        yield line, f"{name} contains {word[1] or word[2]}"


def defined(module: Module) -> Iterator[tuple[int, str]]:
    for node in module.nodes:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.lineno, node.name
            case ast.arg(arg=name):
                yield node.lineno, name
            case ast.Name(id=name, ctx=ast.Store()):
                yield node.lineno, name
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield node.lineno, name


def no_float_money(module: Module) -> Breaches:
    """R9: Decimal comes from text or int; estimates cross in units.py only."""
    for call in module.calls:
        name = ast.unparse(call.func)
        if name.endswith("Decimal.from_float"):
            yield call.lineno, "Decimal.from_float"
        if name.split(".")[-1] != "Decimal" or not call.args:
            continue
        match call.args[0]:
            case (
                ast.Constant(value=float())
                | ast.UnaryOp(operand=ast.Constant(value=float()))
            ):
                yield call.lineno, ast.unparse(call)
            case ast.Call(func=ast.Name(id="float" | "str" | "repr")) | ast.JoinedStr():
                if module.path.startswith(SOURCE) and "/units.py" not in module.path:
                    yield call.lineno, f"{ast.unparse(call)}: cross in units.py"


def no_trading_days(module: Module) -> Breaches:
    for node in module.nodes:
        if isinstance(node, ast.Constant) and node.value == 252:
            yield node.lineno, "252: bars per year derive from the bar"


def american_spelling(module: Module) -> Breaches:
    yield from matching(module, BRITISH)


def nothing_unfinished(module: Module) -> Breaches:
    yield from matching(module, UNFINISHED)
    for node in module.nodes:
        if isinstance(node, ast.Name) and node.id == "NotImplementedError":
            yield node.lineno, node.id


def no_machine_paths(module: Module) -> Breaches:
    yield from matching(module, MACHINE_PATH)


def matching(module: Module, pattern: re.Pattern[str]) -> Breaches:
    for line, text in enumerate(module.text.splitlines(), start=1):
        for found in pattern.finditer(text):
            yield line, found[0].strip()


# --- documentation ----------------------------------------------------------------


def module_docstrings(module: Module) -> Breaches:
    if module.tree.body and not ast.get_docstring(module.tree):
        yield 1, "does not say what it is for"


def function_docstrings(module: Module) -> Breaches:
    """Of public functions that are longer than a name can tell.

    What a port promises is documented at the port.
    """
    for body, owner in public_scopes(module.tree):
        for node in body:
            if not isinstance(node, Function) or node.name.startswith("_"):
                continue
            conforms = owner or "/cli/" in module.path  # a verb is a module
            if conforms and node.name in port_methods():
                continue
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > TRIVIAL_LINES and not ast.get_docstring(node):
                yield node.lineno, f"{owner}{node.name} has no docstring"


def public_scopes(tree: ast.Module) -> Iterator[tuple[list[ast.stmt], str]]:
    yield tree.body, ""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef) or is_protocol(node):
            continue
        if not node.name.startswith("_"):
            yield node.body, f"{node.name}."


def tests_that_claim(module: Module) -> Breaches:
    for function in module.functions:
        name = function.name
        claims = ast.get_docstring(function) or name.count("_") >= SHORTEST_CLAIM
        if name.startswith("test_") and not claims:
            yield function.lineno, f"{name} claims nothing"


def fakes_not_mocks(module: Module) -> Breaches:
    for node in module.nodes:
        match node:
            case (
                ast.ImportFrom(module="unittest.mock")
                | ast.alias(name="unittest.mock" | "mock")
            ):
                yield node.lineno, "a mock"
            case ast.Attribute(
                value=ast.Name(id="monkeypatch"), attr="setattr" | "delattr"
            ):
                yield node.lineno, "patches"
