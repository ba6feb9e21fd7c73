"""Small made-up transactions with a plain structure, for tests that need a run and not its numbers."""

from __future__ import annotations

from pathlib import Path

HEADER = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country"


def customer(number: int) -> str:
    """An id that no other number in a report can be taken for."""
    return f"KUNDE-{number:05d}-ÄÖ"


def write_transactions(path: Path, *, customers: int = 40) -> Path:
    """Write one CSV: half the customers buy much and often, half little and once; no dirt."""
    rows = [HEADER]
    for number in range(customers):
        loyal = number % 2 == 0
        for visit in range(6 + number % 5 if loyal else 1):
            date = f"2011-{1 + (visit + number) % 12:02d}-{1 + number % 27:02d} 1{visit % 10}:30:00"
            for line in range(3 if loyal else 2):
                quantity, price = (20 + number + line, 1.5 + line) if loyal else (1 + line, 4.25 + number % 7)
                rows.append(
                    f"{500_000 + number * 100 + visit},{20_000 + line},SET OF {line + 1},{quantity},{date},"
                    f"{price},{customer(number)},France"
                )
    path.write_text("\n".join(rows) + "\n", "utf-8")
    return path
