"""Change custseg in many small ways, one at a time, and list the changes that no test notices.

    python jobs/campaigns/mutants.py scores --tool .venv-mutants/bin

works on a copy of the repository, with cosmic-ray. Each module has the few quick tests that are about it.
Changes of type annotations are left out: they change nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
UNIT = "tests/unit/transactions"
SMALL = "tests/integration/test_small_inputs.py"
MODULES = {
    "values": ("custseg/transactions/values.py", f"{UNIT}/test_values.py {UNIT}/test_numerals.py {SMALL}"),
    "cleaning": ("custseg/transactions/cleaning.py", f"{UNIT}/test_cleaning.py {SMALL} tests/unit/customers"),
    "features": ("custseg/customers/features.py", f"tests/unit/customers {SMALL}"),
    "exchange": ("custseg/customers/exchange.py", f"tests/unit/customers {SMALL}"),
    "scores": ("custseg/segments/scores.py", "tests/unit/segments/test_scores.py"),
    "kmeans": ("custseg/segments/kmeans.py", "tests/unit/segments/test_kmeans.py"),
}
LEFT_OUT = [r"core/ReplaceBinaryOperator_BitOr_.*"]


def main() -> None:
    """Run the campaign."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("modules", nargs="*", default=list(MODULES), help="of " + ", ".join(MODULES))
    parser.add_argument("--tool", type=Path, default=Path(sys.executable).parent, help="where cosmic-ray is")
    parser.add_argument("--seconds", type=int, default=120, help="longest time for the tests of one change")
    parser.add_argument(
        "--sample", type=int, help="only so many changes of each module, drawn by a fixed seed"
    )
    given = parser.parse_args()
    for name in given.modules:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "custseg"
            shutil.copytree(
                ROOT, copy, ignore=shutil.ignore_patterns(".git", ".venv*", "demo", "__pycache__")
            )
            changes = campaign(
                copy, *MODULES[name], tool=given.tool.absolute(), seconds=given.seconds, sample=given.sample
            )
            show(name, changes)


def campaign(
    copy: Path, module: str, tests: str, *, tool: Path, seconds: int, sample: int | None
) -> list[tuple[str, str, str]]:
    """Return of each change its outcome, its line and its diff."""
    command = f"{sys.executable} -m pytest -x -q -n 0 -p no:randomly -p no:cacheprovider {tests}"
    (copy / "mutants.toml").write_text(
        f'[cosmic-ray]\nmodule-path = "{module}"\ntimeout = {seconds}\nexcluded-modules = []\n'
        f'test-command = "{command}"\n[cosmic-ray.distributor]\nname = "local"\n'
        f"[cosmic-ray.filters.operators-filter]\nexclude-operators = {json.dumps(LEFT_OUT)}\n",
        "utf-8",
    )
    steps = (
        ["cosmic-ray", "baseline", "mutants.toml"],
        ["cosmic-ray", "init", "mutants.toml", "session.sqlite"],
        ["cr-filter-operators", "session.sqlite", "mutants.toml"],
        ["cosmic-ray", "exec", "mutants.toml", "session.sqlite"],
    )
    for program, *arguments in steps:
        if program == "cosmic-ray" and arguments[0] == "exec" and sample is not None:
            keep(copy / "session.sqlite", sample)
        subprocess.run([tool / program, *arguments], cwd=copy, check=True)
    dumped = subprocess.run(
        [tool / "cosmic-ray", "dump", "session.sqlite"],
        cwd=copy,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    found = []
    for line in dumped.stdout.splitlines():
        item, result = json.loads(line)
        if result and result["worker_outcome"] != "skipped":
            where = item["mutations"][0]["start_pos"][0]
            found.append((result["test_outcome"], f"{module}:{where}", result["diff"] or ""))
    return found


def keep(session: Path, sample: int) -> None:
    """Leave so many changes to be tried, the same ones every time."""
    with sqlite3.connect(session) as file:
        done = {job for (job,) in file.execute("select job_id from work_results")}
        order = "start_pos_row, start_pos_col, operator_name, occurrence"
        jobs = [job for (job,) in file.execute(f"select job_id from mutation_specs order by {order}")]
        jobs = [job for job in jobs if job not in done]
        left_out = set(jobs) - set(random.Random(0).sample(jobs, min(sample, len(jobs))))
        for table in ("mutation_specs", "work_items"):
            file.executemany(f"delete from {table} where job_id = ?", [(job,) for job in left_out])


def show(name: str, found: list[tuple[str, str, str]]) -> None:
    """Print the survivors and how many were killed."""
    survivors = [(place, diff) for outcome, place, diff in found if outcome == "survived"]
    for place, diff in survivors:
        changed = [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]
        print(place, *changed, sep="\n    ")
    killed = len(found) - len(survivors)
    print(f"{name}: {killed} of {len(found)} changes noticed ({killed / max(len(found), 1):.0%})")


if __name__ == "__main__":
    main()
