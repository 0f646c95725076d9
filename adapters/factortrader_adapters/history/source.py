"""`StoreSource`: the store as a source of history for a run."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec
import numpy as np

from factortrader.errors import BadInput
from factortrader.instruments import EndReason, Instrument, InstrumentKind
from factortrader.market.panel import Panel
from factortrader.ports import History
from factortrader.units import IntArray, exact_decimal, format_time

if TYPE_CHECKING:
    from factortrader_adapters.history.cube import Cube
    from factortrader_adapters.history.store import Dataset


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """`[data]` of a run on recorded bars.

    dataset: its name in the store. store: folder, relative to the working directory.
    assets: stable ids to serve; None = all.
    """

    dataset: str
    store: str = "data/market"
    assets: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] | None = None


class StoreSource:
    """Serves a dataset; conforms to `ports.HistorySource`."""

    Settings: ClassVar[type[StoreSettings]] = StoreSettings

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings

    def load(
        self, *, start_ns: int | None, end_ns: int | None, warm_up_bars: int
    ) -> History:
        """Bars with start < close ≤ end, and up to `warm_up_bars` rows before them.

        Rows are the bars that some asset of the dataset has; columns all its assets,
        or those asked for, in order of listing. Raises BadInput where the dataset is
        absent or torn, an asset unknown, or no bar in range.
        """
        from factortrader_adapters.history.cube import open_cube
        from factortrader_adapters.history.store import open_dataset

        dataset = open_dataset(Path(self._settings.store), self._settings.dataset)
        cube = open_cube(dataset)
        first, stop = _range(
            cube.close_ns, start_ns=start_ns, end_ns=end_ns, where=str(dataset.folder)
        )
        first = max(0, first - warm_up_bars)
        columns = self._columns(cube)
        return _history(dataset, cube, rows=slice(first, stop), columns=columns)

    def _columns(self, cube: Cube) -> IntArray | None:
        """Columns of the assets asked for, in the cube's order; None = all."""
        asked = self._settings.assets
        if asked is None:
            return None
        from factortrader_adapters.history.mapping import nearest

        for asset in asked:
            if asset not in cube.assets:
                raise BadInput(
                    f"the dataset has no asset {asset!r}",
                    code="unknown_asset",
                    where="data.assets",
                    why=nearest(asset, cube.assets),
                    remedy="name stable ids, as in its instruments.parquet",
                )
        wanted = frozenset(asked)
        return np.array(
            [at for at, asset in enumerate(cube.assets) if asset in wanted],
            dtype=np.int64,
        )


def _range(
    close_ns: IntArray, *, start_ns: int | None, end_ns: int | None, where: str
) -> tuple[int, int]:
    """Rows [first, stop) with start < close ≤ end."""
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise BadInput(
            f"the range starts at {format_time(start_ns)} and ends at"
            f" {format_time(end_ns)}",
            code="empty_range",
            remedy="let the end come after the start",
        )
    first = 0 if start_ns is None else int(np.searchsorted(close_ns, start_ns, "right"))
    stop = (
        len(close_ns)
        if end_ns is None
        else int(np.searchsorted(close_ns, end_ns, "right"))
    )
    if first >= stop:
        raise BadInput(
            "no bar lies in the range",
            code="empty_range",
            where="data.end" if start_ns is None else "data.start",
            why=f"{where} has bars closing {format_time(int(close_ns[0]))} to"
            f" {format_time(int(close_ns[-1]))}",
            remedy="choose a start and an end inside",
        )
    return first, stop


def _history(
    dataset: Dataset, cube: Cube, *, rows: slice, columns: IntArray | None
) -> History:
    from factortrader_adapters.history.publishing import Axes, publish

    fields = {
        name: array[rows] if columns is None else array[rows][:, columns]
        for name, array in cube.fields.items()
    }
    picked = range(len(cube.assets)) if columns is None else columns.tolist()
    axes = Axes(
        close_ns=cube.close_ns[rows],
        interval_ns=dataset.description.interval_ns,
        assets=tuple(cube.assets[at] for at in picked),
    )
    published = publish(dataset, axes)
    listed = np.isfinite(fields["close"])
    panel = Panel(
        close_ns=axes.close_ns,
        interval_ns=axes.interval_ns,
        assets=axes.assets,
        fields={**fields, **published.fields},
        listed=listed,
        clean=np.ones(axes.shape, dtype=np.bool_),
        eligible=listed & published.tradable,
        adjustment=published.adjustment,
    )
    return History(
        panel=panel,
        instruments=_instruments(dataset.table("instruments"), axes.assets),
        events=published.events,
        fingerprint=_fingerprint(dataset, axes.close_ns, axes.assets),
        synthetic=False,
        notes=(*dataset.description.notes, *published.notes),
        survivor_biased=dataset.description.survivor_biased,
    )


def _fingerprint(dataset: Dataset, close_ns: IntArray, assets: tuple[str, ...]) -> str:
    """sha256 of the dataset's content and of the part that is served."""
    spoken = (
        f"{dataset.description.fingerprint} {close_ns[0]} {close_ns[-1]}"
        f" {' '.join(assets)}"
    )
    return hashlib.sha256(spoken.encode()).hexdigest()


def _instruments(table: Any, assets: tuple[str, ...]) -> tuple[Instrument, ...]:
    """One per column, in column order."""
    import pyarrow as pa

    for name in ("listed", "ended"):
        at = table.column_names.index(name)
        table = table.set_column(at, name, table[name].cast(pa.int64()))
    rows = {row["asset"]: row for row in table.to_pylist()}
    return tuple(
        Instrument(
            asset=asset,
            ticker=rows[asset]["ticker"],
            base=rows[asset]["base"],
            quote=rows[asset]["quote"],
            kind=InstrumentKind(rows[asset]["kind"]),
            multiplier=exact_decimal(rows[asset]["multiplier"]),
            initial_margin=exact_decimal(rows[asset]["initial_margin"]),
            maintenance_margin=exact_decimal(rows[asset]["maintenance_margin"]),
            listed_ns=rows[asset]["listed"],
            ended_ns=rows[asset]["ended"],
            end_reason=EndReason(rows[asset]["end_reason"]),
        )
        for asset in assets
    )
