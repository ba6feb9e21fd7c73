"""A made-up gift wholesaler: what it sells, when it is open, and who its customers are.

Nothing is kept for a customer: kind, habits and country follow from the customer's number, so that any
stretch of the shop's two years can be drawn by itself and a customer behaves alike in all of them.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtri

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

FIRST_DAY, LAST_DAY = dt.date(2009, 12, 1), dt.date(2011, 12, 9)
FIRST_CUSTOMER = 12_346

MONTH_WEIGHTS = (0.6, 0.65, 0.85, 0.8, 0.85, 0.85, 0.8, 0.85, 1.2, 1.5, 1.9, 1.4)
WEEKDAY_WEIGHTS = (1.0, 1.05, 1.05, 1.15, 0.9, 0.0, 0.6)

COLOURS = [
    "RED",
    "PINK",
    "BLUE",
    "IVORY",
    "GREEN",
    "WHITE",
    "BLACK",
    "SILVER",
    "GOLD",
    "VINTAGE",
    "FRENCH",
    "REGENCY",
]
MOTIFS = [
    "RETROSPOT",
    "POLKADOT",
    "HEART",
    "STAR",
    "BIRD",
    "ROSE",
    "OWL",
    "PAISLEY",
    "SKULL",
    "STRAWBERRY",
    "BUTTERFLY",
    "WOODLAND",
    "CIRCUS",
    "SPACEBOY",
    "GINGHAM",
    "LACE",
]
DEPARTMENTS = [
    "T-LIGHT HOLDER",
    "MUG",
    "LUNCH BAG",
    "CAKE TIN",
    "PAPER CHAIN",
    "GIFT WRAP",
    "NOTEBOOK",
    "PENCIL CASE",
    "APRON",
    "TEA TOWEL",
    "CUSHION COVER",
    "DOORMAT",
    "CLOCK",
    "LANTERN",
    "PHOTO FRAME",
    "JEWELLERY BOX",
    "CAKESTAND",
    "HOT WATER BOTTLE",
    "CHRISTMAS BAUBLE",
    "ADVENT CANDLE",
]
DEPARTMENT_SIZE = len(COLOURS) * len(MOTIFS)
PRODUCTS = DEPARTMENT_SIZE * len(DEPARTMENTS)
CHRISTMAS_FROM = PRODUCTS - 2 * DEPARTMENT_SIZE
CHRISTMAS_MONTH = 8
"""The last two departments sell from this month on."""

NO_PRODUCTS = (
    ("POST", "POSTAGE", 18.0),
    ("C2", "CARRIAGE", 50.0),
    ("DOT", "DOTCOM POSTAGE", 120.0),
    ("M", "Manual", 12.0),
    ("D", "Discount", 20.0),
    ("ADJUST", "Adjustment by john on 26/01/2010 16", 90.0),
    ("ADJUST2", "Adjustment by Peter on Jun 25 2010 ", 150.0),
    ("BANK CHARGES", " Bank Charges", 15.0),
    ("CRUK", "CRUK Commission", 200.0),
    ("AMAZONFEE", "AMAZON FEE", 5_000.0),
    ("S", "SAMPLES", 30.0),
    ("gift_0001_20", "Dotcomgiftshop Gift Voucher £20.00", 17.0),
)
"""Code, description and usual price of the lines that are no products."""
CODE = {code: PRODUCTS + i for i, (code, _, _) in enumerate(NO_PRODUCTS)}

COUNTRIES = [
    "United Kingdom",
    "Germany",
    "France",
    "EIRE",
    "Spain",
    "Netherlands",
    "Belgium",
    "Switzerland",
    "Portugal",
    "Australia",
]
COUNTRY_BOUNDS = np.array([0.90, 0.925, 0.95, 0.965, 0.973, 0.979, 0.986, 0.991, 0.996])

COHORTS = 16
"""Customers of a kind come and go in this many groups."""


class Trait(IntEnum):
    """What a customer keeps for good."""

    LINES = 1
    TASTE = 2
    QUANTITY = 3
    COUNTRY = 4


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of buyer: its share of customers, and how its customers buy."""

    name: str
    share: float
    rate: float
    lines: float
    quantity: float
    life: Literal["whole", "joins", "leaves"] = "whole"


KINDS = (
    Kind(name="wholesale", share=0.03, rate=14, lines=22, quantity=30),
    Kind(name="loyal", share=0.17, rate=8, lines=26, quantity=8, life="joins"),
    Kind(name="occasional", share=0.33, rate=2.5, lines=16, quantity=6, life="joins"),
    Kind(name="lapsed", share=0.20, rate=4, lines=16, quantity=6, life="leaves"),
    Kind(name="account", share=0.01, rate=0.8, lines=1, quantity=1),
    Kind(name="one-off", share=0.26, rate=0, lines=13, quantity=5),
    Kind(name="web", share=0, rate=0, lines=20, quantity=2),
    Kind(name="stock", share=0, rate=0, lines=1, quantity=20),
)
"""The last two have no customers: orders whose customer was not noted, and stock written off. One-off
customers have no rate: each has one moment in the two years."""
ACCOUNT, ONE_OFF, WEB, STOCK = 4, 5, 6, 7


class Shop:
    """The shop and its books.

    Parameters
    ----------
    rows
        Lines of its two years, 1 or more.
    customers
        How many customers it has on its books, 1 or more. Those who buy seldom may never be drawn.
    seed
        Everything drawn follows from it.
    """

    def __init__(self, *, rows: int, customers: int, seed: int) -> None:
        self.rows, self.customers, self.seed = rows, customers, seed
        rng = np.random.default_rng((seed, 0))
        self.days, self.turnover = _calendar()
        codes = [f"{20_000 + i}{'ABCDEFG'[i % 7] if i % 4 == 0 else ''}" for i in range(PRODUCTS)]
        names = [f"{c} {m} {d}" for d in DEPARTMENTS for c in COLOURS for m in MOTIFS]
        self.codes = pl.Series(codes + [code for code, _, _ in NO_PRODUCTS])
        self.names = pl.Series(names + [name for _, name, _ in NO_PRODUCTS])
        self.countries = pl.Series(COUNTRIES)
        self.popularity = rng.permutation(PRODUCTS)
        level = np.repeat(rng.normal(0.9, 0.6, len(DEPARTMENTS)), DEPARTMENT_SIZE)
        prices = np.exp(level + rng.normal(0, 0.5, PRODUCTS))
        self.prices = np.r_[prices, [price for _, _, price in NO_PRODUCTS]].round(2).clip(0.05)
        bounds = np.rint(np.cumsum([0.0] + [kind.share for kind in KINDS]) * customers).astype(np.int64)
        self.first, self.size = bounds[:-1], np.diff(bounds)
        # Multiplying by a number without a common factor shuffles the ids, so that none tells its kind.
        self.stride = int(customers * 0.6180339887) | 1
        while math.gcd(self.stride, customers) != 1:
            self.stride += 1

    def months(self) -> list[tuple[dt.date, int]]:
        """Return the first day of each month, and how many of the lines lie before it ends."""
        days = self.days.astype("datetime64[D]").astype("datetime64[M]")
        ends = np.flatnonzero(np.r_[days[1:] != days[:-1], True])
        return [(days[i].item(), round(float(self.turnover[i]) * self.rows)) for i in ends]

    def ids(self, customer: Ints) -> Ints:
        """Return the ids of customers by their numbers, 0 to `customers` - 1."""
        return customer * self.stride % self.customers + FIRST_CUSTOMER

    def trait(self, customer: Ints, trait: Trait) -> Floats:
        """Return a number in (0, 1) that is a customer's for good: splitmix64 of its own number."""
        x = customer.astype(np.uint64) + np.uint64(self.seed * 1_000_003 + trait * 7_919)
        x = (x + np.uint64(0x9E3779B97F4A7C15)) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        x ^= x >> np.uint64(31)
        return ((x >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53

    def leaning(self, customer: Ints, trait: Trait) -> Floats:
        """Return a customer's trait as a standard normal number."""
        return np.asarray(ndtri(self.trait(customer, trait)), dtype=np.float64)

    def country(self, customer: Ints) -> Ints:
        """Return the place in `COUNTRIES` a customer buys from."""
        return np.searchsorted(COUNTRY_BOUNDS, self.trait(customer, Trait.COUNTRY)) * (customer >= 0)


def _calendar() -> tuple[Ints, Floats]:
    """Return the days it is open (days since 1970), and the share of turnover made to the end of each."""
    days = np.arange(np.datetime64(FIRST_DAY), np.datetime64(LAST_DAY) + 1)
    month = days.astype("datetime64[M]").astype(np.int64) % 12
    day = (days - days.astype("datetime64[M]")).astype(np.int64) + 1
    weekday = (days.astype(np.int64) + 3) % 7
    weight = np.array(MONTH_WEIGHTS)[month] * np.array(WEEKDAY_WEIGHTS)[weekday]
    weight[((month == 11) & (day > 23)) | ((month == 0) & (day < 4))] = 0
    is_open = weight > 0
    turnover = np.cumsum(weight[is_open])
    return days[is_open].astype(np.int64), turnover / turnover[-1]


def active_cohorts(now: float) -> tuple[Ints, Ints]:
    """Return the cohorts of each kind, first and end, that buy when the share `now` of all is sold."""
    place = (np.arange(COHORTS) + 0.5) / COHORTS
    joined = max(1, int(np.sum(1.3 * place - 0.4 <= now)))
    left = int(np.sum(0.15 + 0.6 * place < now))
    low = [left if kind.life == "leaves" else 0 for kind in KINDS]
    high = [joined if kind.life == "joins" else COHORTS for kind in KINDS]
    return np.array(low), np.array(high)
