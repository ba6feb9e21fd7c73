"""One run at a time in an output folder, whatever ended the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from custseg.errors import OutputError
from custseg.running.lock import lock

HOLD = """
import sys
from pathlib import Path
from custseg.running.lock import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_run_is_refused_until_the_first_ends(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(OutputError, match="Another custseg run"), lock(tmp_path):
            pass
        # Killed, so that nothing of it can tidy up: only the kernel lets go.
        first.kill()
        first.wait()
    with lock(tmp_path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_folder_made_for_nothing_is_removed(tmp_path: Path) -> None:
    output = tmp_path / "new"
    with pytest.raises(RuntimeError), lock(output):
        raise RuntimeError
    assert not output.exists()


def test_a_file_is_no_output(tmp_path: Path) -> None:
    output = tmp_path / "file"
    output.touch()
    with pytest.raises(OutputError, match="is a file"), lock(output):
        pass
