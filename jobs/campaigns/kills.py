"""Kill runs at random moments, run them again, and compare: same answer, nothing left behind.

    python jobs/campaigns/kills.py --kills 100 --rows 5e6

A sample is written and segmented undisturbed. Then the same run is started again and again, each time killed
(SIGKILL) at a random moment, until one comes through; its files must equal the undisturbed ones. Rounds go on
until the number of kills is reached. Prints one line a round; exit code 1 at the first difference.
"""

from __future__ import annotations

import argparse
import filecmp
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

COMPARED = ("segments.csv", "model.json")


def main() -> int:
    """Run the campaign."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--kills", type=int, default=100)
    arguments.add_argument("--rows", type=float, default=5e6)
    arguments.add_argument("--seed", type=int, default=0)
    given = arguments.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="custseg-kills-") as name:
        folder = Path(name)
        lines, whole, output = folder / "lines", folder / "whole", folder / "output"
        custseg("sample", "-o", lines, "--rows", int(given.rows), "--customers", int(given.rows / 200)).wait()
        command = ("batch", lines, "--memory-limit", "1GB", "--quiet", "-o")
        start = time.monotonic()
        assert custseg(*command, whole).wait() == 0
        seconds = time.monotonic() - start
        print(f"undisturbed: {seconds:.1f} s", flush=True)
        kills = rounds = 0
        while kills < given.kills:
            shutil.rmtree(output, ignore_errors=True)
            start = time.monotonic()
            in_round = run_with_kills(command, output, seconds, draw)
            if not in_round:
                # The machine was busier before: with so much time no run would be killed.
                seconds = min(seconds, time.monotonic() - start)
            kills, rounds = kills + in_round, rounds + 1
            different = differences(whole, output)
            print(
                f"round {rounds}: {in_round} kills, {kills} in all, {different or 'same answer'}", flush=True
            )
            if different:
                return 1
    return 0


def run_with_kills(command: tuple[object, ...], output: Path, seconds: float, draw: random.Random) -> int:
    """Start the run until it comes through; return how often it was killed."""
    kills = 0
    while True:
        run = custseg(*command, output)
        try:
            code = run.wait(timeout=draw.uniform(0.2, seconds))
        except subprocess.TimeoutExpired:
            run.kill()
            run.wait()
            kills += 1
            continue
        assert code == 0, f"exit code {code}"
        return kills


def custseg(*arguments: object) -> subprocess.Popen[bytes]:
    """Start the command."""
    return subprocess.Popen(
        [sys.executable, "-m", "custseg", *map(str, arguments)], stdout=subprocess.DEVNULL
    )


def differences(one: Path, other: Path) -> str:
    """Say what differs between two outputs, and what stands in only one of them."""
    names = {path.relative_to(one) for path in one.rglob("*")}
    strange = names ^ {path.relative_to(other) for path in other.rglob("*")}
    parts = [name for name in names if name.parts[0] == "customers" and name.suffix]
    unequal = [
        name
        for name in (*parts, *map(Path, COMPARED))
        if not filecmp.cmp(one / name, other / name, shallow=False)
    ]
    return ", ".join(map(str, sorted([*strange, *unequal])))


if __name__ == "__main__":
    sys.exit(main())
