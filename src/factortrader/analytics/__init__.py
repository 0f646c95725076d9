"""What happened, measured: performance, attribution, evaluation, reports.

Names are loaded when they are asked for, so that importing the package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from factortrader.analytics.performance import performance_metrics

__all__ = ["performance_metrics"]


def __getattr__(name: str) -> Any:
    if name == "performance_metrics":
        from factortrader.analytics.performance import performance_metrics

        return performance_metrics
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
