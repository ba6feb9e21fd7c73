#!/usr/bin/env bash
# Build the wheel and try it as a stranger would: in fresh environments, away from the source.
#
#     jobs/release_check.sh python3.11 python3.12 python3.13
#
# For each Python twice, with the versions of constraints.txt and with the newest that pyproject.toml allows:
# what the wheel holds, the two commands of the README, and those tests that meet most of the libraries.
set -euo pipefail
root="$(cd "$(dirname "$0")/.." && pwd)"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# What is installed must be what is tried, whatever the caller has on his path.
unset PYTHONPATH VIRTUAL_ENV

pip() { "$1" -m pip --disable-pip-version-check "${@:2}"; }

"${1:?name at least one Python}" -m venv "$work/build"
pip "$work/build/bin/python" wheel --quiet --no-deps --wheel-dir "$work" "$root"
wheel="$(echo "$work"/custseg-*.whl)"
"$work/build/bin/python" - "$wheel" <<'PYTHON'
import sys, zipfile
held = set(zipfile.ZipFile(sys.argv[1]).namelist())
needed = {"py.typed", "report/template.html", "report/page.css", "report/page.js",
          "schemas/run.schema.json", "schemas/model.schema.json"}
missing = sorted(name for name in needed if f"custseg/{name}" not in held)
foreign = sorted(name for name in held if not name.startswith("custseg"))
sys.exit(f"The wheel lacks {missing} or holds {foreign}." if missing or foreign else 0)
PYTHON

# The tests without the source beside them: what they import is what was installed.
mkdir "$work/away"
cp -r "$root/tests" "$root/jobs" "$root/pyproject.toml" "$work/away"
cd "$work/away"

for python in "$@"; do
    for versions in pinned newest; do
        echo "== $("$python" --version), $versions versions"
        env="$work/$versions"
        rm -rf "$env"
        "$python" -m venv "$env"
        constraints=()
        [ "$versions" = newest ] || constraints=(--constraint "$root/constraints.txt")
        pip "$env/bin/python" install --quiet --upgrade "${constraints[@]}" pip
        pip "$env/bin/python" install --quiet "${constraints[@]}" "$wheel[s3]"
        "$env/bin/custseg" --version
        "$env/bin/custseg" sample -o transactions --rows 20000 --customers 500 --quiet
        "$env/bin/custseg" batch transactions -o segments --quiet >/dev/null
        test -s segments/report.html
        rm -rf transactions segments
        pip "$env/bin/python" install --quiet "${constraints[@]}" --group test
        "$env/bin/pytest" -n 0 -q -p no:cacheprovider tests/unit/segments tests/unit/customers \
            tests/unit/report tests/unit/transactions/test_numerals.py tests/unit/transactions/test_dates.py
        pip "$env/bin/python" check
    done
done
echo "The wheel works in all of them."
