"""One replay from a configuration to its run folder, and its verification."""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from factortrader import loading
from factortrader.analytics.recorder import RunRecorder
from factortrader.analytics.results import RunResults
from factortrader.analytics.run_folder import refuse_existing, write_run
from factortrader.config.document import Document
from factortrader.errors import BadInput
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
from factortrader.runtime.verification import Verified, verify

ENVIRONMENT = "replay"
JOURNAL = "journal.sqlite"
LOG = "log.jsonl"
Progress = Callable[[int, int], None]
"""(bars heard, bars in all)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A finished replay: where it lies, and what it came to."""

    folder: Path
    results: RunResults
    journal_head: str


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
    """Run the fund over its history and write the run folder, whole or not at all."""
    started = datetime.now(UTC)
    run_id = _run_id(fund, started)
    folder = request.out or Path("runs") / run_id
    refuse_existing(folder, replace=request.replace)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.draft")
    draft.mkdir()
    try:
        with RunLog(draft / LOG, run_id=run_id) as log:
            log.tell("run_started", fund=fund.config.fund.name)
            recorder, head = _driven(fund, request, draft, log=log, progress=progress)
            log.tell("run_ended", journal_head=head)
        results = write_run(
            folder,
            recorder=recorder,
            facts=run_facts(fund),
            manifest=_manifest(
                fund, request, run_id=run_id, journal_head=head, started=started
            ),
            moved_in=tuple(sorted(draft.iterdir())),
            replace=request.replace,
        )
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Run(folder=folder, results=results, journal_head=head)


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
        name=str(folder / "manifest.json"),
    )
    fund = build_fund(config_of(document))
    store: Any = loading.adapter("journals", "sql").in_file(path)
    try:
        proven = verify(
            store,
            genesis_link=_genesis(fund),
            codec=ReplayCodec(fund.history),
            engine=build_core(fund, environment=ENVIRONMENT, memo=True),
        )
    finally:
        store.close()
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
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError) as error:
        raise BadInput(
            "this is no run folder",
            code="no_run",
            where=str(folder),
            why=str(error),
            remedy="name a folder that a replay wrote",
        ) from error
    return manifest
