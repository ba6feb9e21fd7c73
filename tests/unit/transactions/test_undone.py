"""Which values and headers say that nothing was bought, and what is asked about them."""

import re
from pathlib import Path

import pytest

import custseg
from custseg.transactions.suspects import Suspect
from custseg.transactions.undone import is_flag, is_undone

UNDONE = """
Cancelled | canceled | wc-cancelled | Storniert / Abgelehnt | Credit Memo | Gutschrift | Denied | Deleted
Payment error | Cancelled by customer | on-hold | pending_payment | REFUNDED | Void | Return | Retoure
Annulé | Shipped - Returned to Seller | キャンセル
"""
BY_CHANCE = """
Complete | wc-completed | Komplett abgeschlossen | Not cancelled | partially_refunded | Teilweise storniert
Void fill | Free returns | Retour gratuit | Cancelled if not paid within a week | Returnable | Credit card
Avoided | Non-refundable | Holder | Credit | closed | unreturned | Error | Paid | No
"""


def texts(table: str) -> list[str]:
    return [text.strip() for text in re.split(r"[|\n]", table.strip())]


@pytest.mark.parametrize("text", texts(UNDONE))
def test_what_says_that_an_order_came_to_nothing(text: str) -> None:
    assert is_undone(text)


@pytest.mark.parametrize("text", ["", *texts(BY_CHANCE)])
def test_what_has_such_words_by_chance(text: str) -> None:
    assert not is_undone(text)


@pytest.mark.parametrize(
    ("header", "flag"),
    [
        *((text, True) for text in ("Cancelled", "is_cancelled", "return_flag", "Void Flag", "FKSTO")),
        *((text, True) for text in ("isRefunded", "order_cancelled", "Storno-Kz", "Deleted")),
        *((text, False) for text in ("Quantity refunded", "Returns policy", "flag", "Avoid", "Cancelled at")),
        *((text, False) for text in ("Refunded amount", "Void fill", "Order", "is_paid")),
    ],
)
def test_headers_that_ask_whether_it_came_to_nothing(header: str, flag: bool) -> None:
    assert is_flag(header) == flag


def found(path: Path, header: str, values: list[str], code: str) -> list[Suspect]:
    rows = [f"k{n % 30},{n},2024-01-{1 + n % 28:02},{n + 1},5,{values[n % len(values)]}" for n in range(60)]
    path.write_text("\n".join([f"Customer,Order,Date,Qty,Price,{header}", *rows, ""]))
    return [suspect for suspect in custseg.check(path).suspects if suspect.code == code]


@pytest.mark.parametrize(
    ("header", "values", "condition"),
    [
        ("is_cancelled", ["0", "0", "1"], "is_cancelled not in ('1')"),
        ("FKSTO", ["", "", "X"], "FKSTO not in ('X')"),
        ("Belegart", ["Rechnung", "Gutschrift"], "Belegart not in ('Gutschrift')"),
        ("Void Flag", ["No", "Yes"], "Void Flag"),
    ],
)
def test_lines_that_came_to_nothing_are_asked_about(
    header: str, values: list[str], condition: str, tmp_path: Path
) -> None:
    (suspect,) = found(tmp_path / "a.csv", header, values, "undone")
    assert condition in suspect.flag


def test_a_closed_order_was_refunded_in_magento_and_paid_elsewhere(tmp_path: Path) -> None:
    assert found(tmp_path / "a.csv", "Status", ["complete", "closed"], "undone") == []
    path = tmp_path / "magento.csv"
    rows = [
        f"{n},Main,2024-01-02,b{n % 30}@x.org,{n + 5},{('complete', 'closed')[n % 5 == 0]}" for n in range(60)
    ]
    header = "ID,Purchase Point,Purchase Date,Customer Email,Grand Total (Base),Status"
    path.write_text("\n".join([header, *rows, ""]))
    (suspect,) = [suspect for suspect in custseg.check(path).suspects if suspect.code == "undone"]
    assert suspect.flag == "--where \"Status not in ('closed')\""


@pytest.mark.parametrize(
    ("header", "values", "flag"),
    [
        ("event_type", ["view", "view", "cart", "purchase"], "--where \"event_type = 'purchase'\""),
        ("event", ["add_to_cart", "Product Viewed", "transaction"], "--where \"event = 'transaction'\""),
        ("Kind", ["Sale", "Sale Line"], "--where \"Kind = 'Sale Line'\""),
        ("Kind", ["Sale", "Payment"], "--where \"Kind = 'Sale'\""),
    ],
)
def test_what_is_recorded_beside_purchases_is_asked_about(
    header: str, values: list[str], flag: str, tmp_path: Path
) -> None:
    (suspect,) = found(tmp_path / "a.csv", header, values, "no-purchases")
    assert suspect.flag == flag


@pytest.mark.parametrize(
    "values", [["Sale", "Refund"], ["Order"], ["view", "click"], ["Web", "Search"], ["Purchase", "Gift"]]
)
def test_what_tells_no_purchases_from_others_is_not(values: list[str], tmp_path: Path) -> None:
    assert found(tmp_path / "a.csv", "Kind", values, "no-purchases") == []
