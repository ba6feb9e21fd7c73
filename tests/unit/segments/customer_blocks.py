"""Made customers as `CustomerTable` gives them, block by block, without files."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl


@dataclass
class Blocks:
    """A table of customers cut into blocks."""

    table: pl.DataFrame
    block_rows: int = 100

    def __len__(self) -> int:
        return self.table.height

    @property
    def columns(self) -> list[str]:
        return self.table.columns

    @property
    def blocks(self) -> int:
        return -(-len(self) // self.block_rows)

    def some(self, block: int, columns: Sequence[str]) -> pl.DataFrame:
        return self.table.select(columns).slice(block * self.block_rows, self.block_rows)
