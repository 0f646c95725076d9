"""One replay from a configuration to its run folder, and its verification."""

from __future__ import annotations

import dataclasses
import json
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from factortrader import loading
from factortrader.analytics.idleness import why_idle
from factortrader.analytics.recorder import RunRecorder
from factortrader.analytics.results import RunFacts
from factortrader.analytics.run_folder import refuse_existing, write_run
from factortrader.config.document import Document
from factortrader.errors import BadInput, NoAnswer
from factortrader.events import BarsClosed, Message
from factortrader.logs import RunLog
from factortrader.runtime.assembly import (
    Fund,
    build_core,
    build_fund,
    build_simulated_venue,
    config_of,
)
from factortrader.runtime.codec import SCHEMA_VERSION, ReplayCodec
from factortrader.runtime.environment import differences, fingerprint
from factortrader.runtime.facts import run_facts
from factortrader.runtime.journal import ChainedJournal, genesis
from factortrader.runtime.replay import Replay, Tap
from factortrader.runtime.strategies import user_code
from factortrader.runtime.verification import Verified, verify

ENVIRONMENT = "replay"
JOURNAL = "journal.sqlite"
LOG = "log.jsonl"
MANIFEST = "manifest.json"
_VERIFIED: Final = {
    "configuration": dict,
    "configuration_folder": str,
    "journal_head": str,
}
"""What a manifest must say for its run to be verified."""

Progress = Callable[[int, int], None]
"""(bars heard, bars in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished replay: where it lies, what it came to, what to know about it."""

    folder: Path
    summary: Mapping[str, float]
    facts: RunFacts
    journal_head: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How a replay is to be run.

    out: the run folder; None = runs/<run id>. journal: also write journal.sqlite.
    memo: compute factors once over the whole history (the same messages either way).
    """

    command: Sequence[str]
    out: Path | None = None
    journal: bool = False
    memo: bool = True
    replace: bool = False


def replay(fund: Fund, request: Request, *, progress: Progress | None = None) -> Run:
    """Run the fund over its history and write the run folder, whole or not at all.

    Raises BadInput where the folder cannot be written, or where code that the
    configuration names fails.
    """
    started = datetime.now(UTC)
    run_id = _run_id(fund, started)
    folder = request.out or Path("runs") / run_id
    if folder.name in {"", ".."}:
        folder = folder.resolve()  # a folder needs a name to be written beside
    with _drafted(folder, replace=request.replace) as draft:
        with (
            RunLog(draft / LOG, run_id=run_id) as log,
            loading.blaming(*user_code(fund.strategy)),
        ):
            log.tell("run_started", fund=fund.config.fund.name)
            recorder, head = _driven(fund, request, draft, log=log, progress=progress)
            log.tell("run_ended", journal_head=head)
        idle = why_idle(recorder)
        warnings = () if idle is None else (f"no order was sent: {idle}",)
        facts = run_facts(fund)
        facts = dataclasses.replace(facts, notes=(*facts.notes, *warnings))
        summary = write_run(
            folder,
            recorder=recorder,
            facts=facts,
            manifest=_manifest(
                fund, request, run_id=run_id, journal_head=head, started=started
            ),
            moved_in=tuple(sorted(draft.iterdir())),
            replace=request.replace,
        )
    return Run(
        folder=folder,
        summary=summary,
        facts=facts,
        journal_head=head,
        warnings=warnings,
    )


@contextmanager
def _drafted(folder: Path, *, replace: bool) -> Iterator[Path]:
    """A draft beside the run folder; however this ends, nothing of it remains."""
    draft = folder.parent / f".{secrets.token_hex(4)}.draft"
    made: list[Path] = []
    try:
        refuse_existing(folder, replace=replace)
        made += [each for each in draft.parents if not each.exists()]
        draft.mkdir(parents=True)
        yield draft
    except OSError as error:
        raise BadInput(
            "the run folder cannot be written",
            code="run_unwritable",
            where=str(folder),
            why=error.strerror or str(error),
            remedy="name another folder with --out",
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        for parent in made:
            with suppress(OSError):  # what holds a run stays
                parent.rmdir()


def _driven(
    fund: Fund,
    request: Request,
    draft: Path,
    *,
    log: RunLog,
    progress: Progress | None,
) -> tuple[RunRecorder, str]:
    """The run itself: what was recorded, and the head of its journal."""
    recorder = RunRecorder(benchmark=fund.config.fund.benchmark)
    taps: list[Tap] = [recorder.observe, log.tap]
    if progress is not None:
        taps.append(_counting(progress, bars=fund.history.panel.bars))
    journal = _journal(fund, draft / JOURNAL if request.journal else None)
    Replay(
        engine=build_core(fund, environment=ENVIRONMENT, memo=request.memo),
        history=fund.history,
        venue=build_simulated_venue(fund),
        journal=journal,
        taps=taps,
    ).run()
    return recorder, journal.head


def verify_run(folder: Path) -> tuple[Verified, list[str]]:
    """Re-execute a run's journal; also what differs between its environment and ours.

    Raises NoAnswer where it does not hold, BadInput where it is no run with a journal.
    """
    manifest = _read_manifest(folder)
    path = folder / JOURNAL
    if not path.is_file():
        raise BadInput(
            "this run has no journal",
            code="no_journal",
            where=str(folder),
            remedy="replay again with --journal",
        )
    document = Document(
        tables=manifest["configuration"],
        places={},
        folder=Path(manifest["configuration_folder"]),
        name=str(folder / MANIFEST),
    )
    fund = build_fund(config_of(document))
    store: Any = loading.adapter("journals", "sql").in_file(path)
    try:
        with loading.blaming(*user_code(fund.strategy)):
            proven = verify(
                store,
                genesis_link=_genesis(fund),
                codec=ReplayCodec(fund.history),
                engine=build_core(fund, environment=ENVIRONMENT, memo=True),
            )
    finally:
        store.close()
    if proven.head != manifest["journal_head"]:
        raise NoAnswer(
            f"the journal ends after {proven.messages} messages, and the run did not",
            code="journal_cut_off",
            where=str(path),
            why=f"its head is {proven.head}, the run's was {manifest['journal_head']}",
        )
    return proven, differences(manifest.get("environment"), fingerprint())


def _journal(fund: Fund, path: Path | None) -> ChainedJournal:
    link = _genesis(fund)
    store: Any = None
    if path is not None:
        store = loading.adapter("journals", "sql").in_file(path)
        store.begin(
            genesis_link=link,
            header={
                "schema_version": str(SCHEMA_VERSION),
                "configuration": fund.config.canonical,
                "data_fingerprint": fund.history.fingerprint,
            },
        )
    return ChainedJournal(
        genesis_link=link,
        encode=ReplayCodec(fund.history).encode,
        store=store,
        flush_rows=10_000,
    )


def _genesis(fund: Fund) -> bytes:
    return genesis(fund.config.canonical, fund.history.fingerprint)


def _counting(progress: Progress, *, bars: int) -> Tap:
    heard = 0

    def tap(messages: Sequence[Message]) -> None:
        nonlocal heard
        if isinstance(messages[0], BarsClosed):
            heard += 1
            progress(heard, bars)

    return tap


def _run_id(fund: Fund, started: datetime) -> str:
    name = re.sub(r"[^a-z0-9]+", "-", fund.config.fund.name.lower()).strip("-")
    return f"{name or 'run'}-{started:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def _manifest(
    fund: Fund,
    request: Request,
    *,
    run_id: str,
    journal_head: str,
    started: datetime,
) -> Mapping[str, Any]:
    config = fund.config
    panel = fund.history.panel
    return {
        "run_id": run_id,
        "command": list(request.command),
        "started": started.isoformat(),
        "ended": datetime.now(UTC).isoformat(),
        "configuration_hash": config.digest,
        "configuration_folder": str(config.document.folder.resolve()),
        "data_fingerprint": fund.history.fingerprint,
        "first_close_ns": int(panel.close_ns[0]),
        "last_close_ns": int(panel.close_ns[-1]),
        "start_ns": fund.start_ns,
        "journal_head": journal_head,
        "seed": config.fund.seed,
        "strategy": config.signal.strategy,
        "user_files": _user_files(fund),
        "environment": fingerprint(),
    }


def _user_files(fund: Fund) -> dict[str, str]:
    """Digests of the files that a configuration names by path."""
    references = [fund.config.signal.strategy, *(f.use for f in fund.config.factors)]
    paths = {reference.partition(":")[0] for reference in references}
    folder = fund.config.document.folder
    return {
        path: loading.file_digest(folder / path)
        for path in sorted(paths)
        if path.endswith(".py")
    }


def _read_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: object = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except OSError as error:
        raise _no_run(folder, f"{MANIFEST}: {error.strerror}") from error
    except ValueError as error:
        raise _no_run(folder, f"{MANIFEST}: {error}") from error
    if not isinstance(manifest, dict):
        raise _no_run(folder, f"{MANIFEST} is not an object")
    for key, kind in _VERIFIED.items():
        if not isinstance(manifest.get(key), kind):
            raise _no_run(folder, f"{MANIFEST} does not say {key!r}")
    return manifest


def _no_run(folder: Path, why: str) -> BadInput:
    return BadInput(
        "this is no run folder",
        code="no_run",
        where=str(folder),
        why=why,
        remedy="name a folder that a replay wrote",
    )
