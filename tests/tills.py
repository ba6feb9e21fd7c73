"""A month of a German till, and what a check says of files."""

from pathlib import Path

import custseg

HEADER = "Belegnr;Kundennr;Artikel;Menge;Datum;Einzelpreis;Währung"


def till(path: Path, month: str, *, days: int = 28, header: str = HEADER, currencies: str = "EUR") -> Path:
    """A month of a German till: 300 lines."""
    signs = currencies.split()
    rows = [
        f"{1000 + n // 3};{7000 + n % 60};Ware {n % 40};{1 + n % 5};{n % days + 1:02d}.{month}.2024;"
        f"{1 + n % 9},{10 + n % 90};{signs[n % len(signs)]}"
        for n in range(300)
    ]
    path.write_bytes("\r\n".join([header, *rows, ""]).encode("cp1252"))
    return path


def codes(found: custseg.Check) -> list[str]:
    return [problem.error.code for problem in found.problems]
