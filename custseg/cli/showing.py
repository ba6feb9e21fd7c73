"""What commands print: progress on stderr, results on stdout."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from custseg.running.progress import Progress


def make_progress(*, quiet: bool, no_progress: bool, no_color: bool = False, verbose: int = 0) -> Progress:
    """Return the progress display that was asked for."""
    from custseg.running.progress import Progress

    if no_color:
        os.environ["NO_COLOR"] = "1"
    return Progress(show=not quiet, bar=False if no_progress else None, verbose=verbose > 0)


def print_json(value: Any) -> None:
    """Print a result for programs."""
    import json

    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")
