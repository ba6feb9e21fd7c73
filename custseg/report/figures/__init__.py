"""The figures of the report, in order: each its chart, its table and two sentences."""

from custseg.report.figures import method, people, value
from custseg.report.figures.figure import Figure, Source

MAKERS = (
    value.sizes,
    people.recency_frequency,
    value.profiles,
    value.strips,
    people.customers,
    people.monthly,
    method.choice_of_k,
    method.silhouettes,
    method.ledger,
    people.migration,
)


def make_figures(source: Source) -> list[Figure]:
    """Return all figures that the record and the customers allow, from the answer to the evidence."""
    return [figure for maker in MAKERS if (figure := maker(source)) is not None]


__all__ = ["Figure", "Source", "make_figures"]
