"""The figures of the report, in order: each its chart, its table and two sentences."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

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


READING_CUSTOMERS = (people.recency_frequency, people.customers)
"""Those that go through all customers."""

Made = TypeVar("Made")


def make_figures(source: Source, finish: Callable[[Figure], Made]) -> list[Made]:
    """Make all figures that the record and the customers allow, from the answer to the evidence.

    Parameters
    ----------
    finish
        What is done with each, by the calling thread, while another goes through the customers: a second of
        four with ten million of them.
    """
    with ThreadPoolExecutor(1, "figures") as pool:
        coming = {maker: pool.submit(maker, source) for maker in READING_CUSTOMERS}
        figures = ((maker, maker(source)) for maker in MAKERS if maker not in coming)
        made = {maker: finish(figure) for maker, figure in figures if figure is not None}
        figures = ((maker, future.result()) for maker, future in coming.items())
        made |= {maker: finish(figure) for maker, figure in figures if figure is not None}
    return [made[maker] for maker in MAKERS if maker in made]


__all__ = ["Figure", "Source", "make_figures"]
