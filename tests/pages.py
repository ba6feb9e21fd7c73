"""The pages of the documentation: their code blocks, and a folder in which these run as a reader's would."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from custseg.transactions.sample import write_sample

ROOT = Path(__file__).parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path
    for path in (*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")))
}
LANGUAGES = {"sh", "python", "toml", "diff", "json", "text"}

# A comment before a block: why it is not run, or what a test does first and the reader need not see.
NOT_RUN, FIRST = "not run:", "first:"


@dataclass(frozen=True)
class Block:
    """A fenced block, or a comment that stands for one.

    Attributes
    ----------
    line
        Of the page, from 1.
    skipped
        Why it is not run here; empty for those that are.
    """

    line: int
    language: str
    text: str
    skipped: str = ""

    def commands(self) -> list[str]:
        """The commands of a shell block, each with all its lines; a here-document stays whole."""
        joined = self.text.replace("\\\n", " ")
        if "<<" in joined:
            return [joined]
        return [line for line in joined.splitlines() if shlex.split(line, comments=True)]


def blocks(path: Path) -> Iterator[Block]:
    """Every block of a page, in order."""
    skipped, lines = "", iter(enumerate(path.read_text("utf-8").splitlines(), start=1))
    for number, line in lines:
        if line.lstrip().startswith("<!--"):
            comment = line
            while not comment.rstrip().endswith("-->"):
                comment += "\n" + next(lines)[1]
            note = comment.strip().removeprefix("<!--").removesuffix("-->").strip()
            if note.startswith(NOT_RUN):
                skipped = " ".join(note.removeprefix(NOT_RUN).split())
            elif note.startswith(FIRST):
                yield Block(number, "sh", note.removeprefix(FIRST).strip())
        elif fence := re.fullmatch(r"( *)```(\w*)", line):
            body = []
            for _, inner in lines:
                if inner.strip() == "```":
                    break
                body.append(inner.removeprefix(fence[1]))
            yield Block(number, fence[2], "\n".join(body), skipped)
            skipped = ""
        elif line.strip() and skipped:
            raise AssertionError(f"{path.name}:{number}: a '{NOT_RUN}' without a block")


def set_stage(folder: Path) -> None:
    """Put into a folder what the pages call the reader's own: a shop's sales of 2024 and 2025, and jobs/."""
    shutil.copytree(ROOT / "jobs", folder / "jobs", ignore=shutil.ignore_patterns("benchmarks", "campaigns"))
    write_sample(folder / "made", rows=3_000, customers=150, seed=1)
    sales = pl.read_csv(folder / "made" / "*.csv", schema_overrides={"Customer ID": pl.String})
    shutil.rmtree(folder / "made")
    sales = sales.with_columns(
        pl.col("InvoiceDate").str.to_datetime().dt.offset_by("14y").dt.to_string("%Y-%m-%d %H:%M:%S")
    )
    later = pl.col("InvoiceDate") >= "2025-03-01"
    for name, part in {
        "sales/2024.csv": sales.filter(pl.col("InvoiceDate") < "2025-01-01"),
        "sales/2025.csv": sales.filter(pl.col("InvoiceDate") >= "2025-01-01"),
        "tills/north.csv": sales.filter(later),
        "new-sales.csv": sales.filter(later).head(900),
        "sales.csv": sales.rename({"Customer ID": "Loyalty", "Invoice": "Slip no."}),
    }.items():
        (folder / name).parent.mkdir(exist_ok=True)
        part.write_csv(folder / name)
    sales.write_parquet(folder / "web.parquet")
    shutil.copy(folder / "sales" / "2025.csv", folder / "online_retail_II.csv")
