"""How a command ends: well, with an error in our form, or stopped by a signal; with the documented code."""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import io
import os
import signal
import sys
import threading
import time
import traceback
from functools import cache
from typing import NoReturn

from custseg.cli.app import app
from custseg.errors import CustsegError, MachineError, cut, from_here
from custseg.running.allocator import share_memory

INTERRUPTED = 130
GOES_ON = "Interrupted. The same command goes on from what is whole.\n"

LAST_STREAM = 2
"""The number of stderr; stdin and stdout are below."""

GRACE = 3.0
"""Seconds that work under way has to end by itself once a run is stopped. Then the process ends all the same:
nothing is lost by it, since every file is whole or not there."""

COLLECT_AFTER = 20_000
"""Objects made until Python looks for unreachable ones. Its own 700 have it go over the classes of libraries
again and again, which stay: 5 % of a small job, a fifth of the choice of k in a large one."""


def main() -> NoReturn:
    """Run the command line and exit with the documented code."""
    _open_closed()
    gc.set_threshold(COLLECT_AFTER)
    share_memory()
    code = run()
    # At once, as mypy does it: to free every object and library first takes half a second to more than one.
    atexit._run_exitfuncs()
    with contextlib.suppress(OSError, AttributeError):
        sys.stderr.flush()
    os._exit(code)


def _open_closed() -> None:
    """Have stdin, stdout and stderr lead nowhere where they are closed, as a shell closes them by ``2>&-``.

    Else the next files that are opened would take their numbers, and what libraries print would go into them.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) <= LAST_STREAM:
        os.set_inheritable(number, True)
    os.close(number)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115


def run() -> int:
    """Run the command line and say how it ended where that was not well.

    Returns
    -------
    int
        The documented exit code.
    """
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGTERM, _stop)
    _watch_signals()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal or a file name may not know every sign; that is no reason to fail.
        sys.stdout.reconfigure(errors="backslashreplace")
    verbose = sum(word.count("v") for word in sys.argv[1:] if word in ("-v", "-vv")) + sys.argv.count(
        "--verbose"
    )
    try:
        _run_and_flush()
    except SystemExit as end:
        if end.code == INTERRUPTED:
            sys.stderr.write(GOES_ON)
        return int(end.code or 0)
    except CustsegError as error:
        if verbose > 1:
            traceback.print_exc()
        else:
            sys.stderr.write(f"Error: {from_here(str(error))}\n")
        return error.exit_code
    except BrokenPipeError:
        # The reader of our output has gone; there is nobody to tell.
        return 1
    except Exception as error:
        if verbose > 1:
            traceback.print_exc()
            return 1
        sys.stderr.write(
            f"Error: something went wrong in custseg itself: {type(error).__name__}: {cut(error)}\n"
            "  Now:   Run it again with -vv and report what it prints.\n"
        )
        return 1
    return 0


def _run_and_flush() -> None:
    """Run the command and see that all it printed has gone out."""
    try:
        try:
            app()
        finally:
            if sys.stdout:
                sys.stdout.flush()
    except OSError as error:
        # Files of a run say this by themselves, with their path.
        if error.errno != errno.ENOSPC:
            raise
        raise MachineError(
            "disk-full",
            "What custseg prints cannot be written: no room is left where it goes.",
            now="Make room, or send it elsewhere.",
        ) from None


@cache
def _watch_signals() -> None:
    """See to it that a signal ends the process within `GRACE`, whatever the main thread is doing.

    A handler is Python and waits for the main thread, which may be in a library for minutes; that a signal
    came is written into a pipe all the same.
    """
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)

    def end_in_time() -> None:
        number = os.read(heard, 1)[0]
        time.sleep(GRACE)
        if number == signal.SIGINT:
            with contextlib.suppress(OSError):
                os.write(2, GOES_ON.encode())
        os._exit(128 + number)

    threading.Thread(target=end_in_time, daemon=True).start()


def _stop(number: int, _frame: object) -> NoReturn:
    """End the run soon, at a second signal at once."""
    code = 128 + number
    signal.signal(number, lambda *_: os._exit(code))
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    sys.exit(code)
