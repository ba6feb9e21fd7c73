"""Kill a worker (SIGKILL) at a random moment of each run, and compare: all end well, all the same.

    python jobs/campaigns/lost_workers.py --runs 20 --rows 5e6

A sample is written and segmented in one process. Then it is segmented with ``--workers 2`` again and again;
at a random moment one of the two is killed: in every other run of map and reduce, which are short, in the
others of all the work up to the last labels. Prints one line a run; exit code 1 at the first difference.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from kills import custseg, differences


def main() -> int:
    """Run the campaign."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--runs", type=int, default=20)
    arguments.add_argument("--rows", type=float, default=5e6)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="custseg-lost-") as name:
        folder = Path(name)
        lines, whole, output = folder / "lines", folder / "whole", folder / "output"
        custseg("sample", "-o", lines, "--rows", int(given.rows), "--customers", int(given.rows / 200)).wait()
        assert custseg("batch", lines, "-o", whole, "--quiet").wait() == 0
        command = ("batch", lines, "--workers", 2, "--memory-limit", "2GB", "--no-progress", "-o", output)
        (summed, seconds), _, code, told = run_and_kill(command, None)
        assert code == 0, told
        print(f"undisturbed with workers: {seconds:.1f} s, map and reduce {summed:.1f} s", flush=True)
        kills = 0
        while kills < given.runs:
            shutil.rmtree(output, ignore_errors=True)
            moment = draw.uniform(0, seconds if kills % 2 else summed)
            _, stage, code, told = run_and_kill(command, moment)
            different = f"exit code {code}: {told[-500:]}" if code else differences(whole, output)
            kills += bool(stage)
            said = f"killed {moment:.1f} s in, {stage}" if stage else "over before its moment"
            print(f"run {kills}: {said}; {different or 'same answer'}", flush=True)
            if different:
                return 1
    return 0


def run_and_kill(
    command: tuple[object, ...], moment: float | None
) -> tuple[tuple[float, float], str, int, str]:
    """Run; kill a worker so many seconds into the work.

    Returns the seconds from the workers' start to the customers' sums and to the labels, what was done last
    before the kill (empty when there was none), the exit code and the messages.
    """
    run = subprocess.Popen(
        [sys.executable, "-m", "custseg", *map(str, command), "-v"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert run.stderr is not None
    told: list[str] = []
    stage = ""
    start = summed = end = 0.0

    def kill() -> None:
        nonlocal stage
        children = psutil.Process(run.pid).children()
        for worker in [child for child in children if "spawn_main" in " ".join(child.cmdline())][:1]:
            stage = f"after: {told[-1].strip()}"
            worker.kill()

    timer = threading.Timer(moment or 0, kill)
    for line in run.stderr:
        told.append(line)
        if line.startswith("Workers:"):
            start = time.monotonic()
            if moment is not None:
                timer.start()
        summed = time.monotonic() if line.startswith("Summing") else summed
        end = time.monotonic() if line.startswith("Labelling") else end
    timer.cancel()
    return (summed - start, end - start), stage, run.wait(), "".join(told)


if __name__ == "__main__":
    sys.exit(main())
