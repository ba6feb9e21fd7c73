"""custseg: customer segments from any number of retail transactions.

>>> import custseg
>>> result = custseg.segment(["sales/*.csv"], output="segments")  # doctest: +SKIP
>>> result.segments  # doctest: +SKIP
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from custseg._version import __version__

if TYPE_CHECKING:
    from custseg.errors import CustsegError
    from custseg.pipeline.assign import assign
    from custseg.pipeline.batch import segment
    from custseg.pipeline.check import check
    from custseg.pipeline.checked import Check
    from custseg.pipeline.drawing import draw_report
    from custseg.pipeline.segmentation import Segmentation
    from custseg.settings import Settings

__all__ = [
    "Check",
    "CustsegError",
    "Segmentation",
    "Settings",
    "__version__",
    "assign",
    "check",
    "draw_report",
    "segment",
]

_HOMES = {
    "Check": "custseg.pipeline.checked",
    "check": "custseg.pipeline.check",
    "CustsegError": "custseg.errors",
    "draw_report": "custseg.pipeline.drawing",
    "Segmentation": "custseg.pipeline.segmentation",
    "Settings": "custseg.settings",
    "assign": "custseg.pipeline.assign",
    "segment": "custseg.pipeline.batch",
}


def __getattr__(name: str) -> Any:
    # Loaded on first use: `import custseg` and `custseg --help` must not wait for Polars and Dask.
    if name not in _HOMES:
        raise AttributeError(f"module 'custseg' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
