"""The figures of the report, in order: each its chart, its table and two sentences."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
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
        What is done with each, by the calling thread, while another goes through the customers for the next:
        a second of three with ten million of them.
    """
    made: dict[int, Made] = {}
    with ThreadPoolExecutor(1, "figures") as pool:
        order = sorted(range(len(MAKERS)), key=lambda place: MAKERS[place] in READING_CUSTOMERS)
        places = {pool.submit(MAKERS[place], source): place for place in order}
        for future in as_completed(places):
            if (figure := future.result()) is not None:
                made[places[future]] = finish(figure)
    return [made[place] for place in sorted(made)]


__all__ = ["Figure", "Source", "make_figures"]
