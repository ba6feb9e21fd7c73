import polars as pl
import pytest

from custseg.report import sentences, tables
from custseg.report.formats import SPACE


def shares(*pairs):
    """Return a record of segments with these shares of customers and of spend."""
    return {
        "segments": [
            {"id": i, "name": f"S{i}", "customers": round(1000 * c), "share": c, "spend_share": s}
            for i, (c, s) in enumerate(pairs, 1)
        ]
    }


@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([(0.09, 0.61), (0.91, 0.39)], "9 % of customers bring 61 % of spend."),
        ([(0.1, 0.3), (0.2, 0.3), (0.7, 0.4)], "30 % of customers bring 60 % of spend."),
        # Most of the customers bring most of the spend anywhere.
        ([(0.07, 0.27), (0.93, 0.73)], "7 % of customers bring 27 % of spend."),
        ([(0.4, 0.45), (0.6, 0.55)], "40 % of customers bring 45 % of spend."),
        ([(0.07, 0.27), (0.83, 0.66), (0.1, 0.07)], "7 % of customers bring 27 % of spend."),
        (
            [(0.4, 1.05), (0.6, -0.05)],
            "40 % of customers bring all of the spend; the others sent back more than they kept.",
        ),
        ([(0.001, 0.6), (0.999, 0.4)], "Fewer than 10 customers bring half of the spend or more."),
        (
            [(0.009, 0.3), (0.008, 0.3), (0.983, 0.4)],
            "2 % of customers, in very small segments, bring half of the spend or more.",
        ),
        # What the 4 bring would be the sum less what the card of the 13 says.
        ([(0.004, 0.4), (0.013, 0.45), (0.983, 0.15)], "1 % of customers bring 45 % of spend."),
        # A few of a large mean that together bring little.
        (
            [(0.05, 0.47), (0.016, 0.01), (0.14, 0.25), (0.794, 0.27)],
            "19 % of customers bring 72 % of spend.",
        ),
        ([(0.4, None), (0.6, None)], "The largest segment, S2, has 60 % of customers."),
        (
            [(0.4, None), (0.2, None), (0.4, None)],
            "The largest segments, S1 and S3, have 40 % of customers each.",
        ),
        ([(0.5, None), (0.5, None)], "The segments are of one size: each has 50 % of customers."),
    ],
)
def test_headline(pairs, text):
    assert sentences.headline(shares(*pairs)).replace(SPACE, " ") == text


def test_small_cells_let_the_headline_tell_of_few():
    record = shares((0.004, 0.4), (0.013, 0.45), (0.983, 0.15))
    text = sentences.headline(record, small_cells=True).replace(SPACE, " ")
    assert text == "2 % of customers bring 85 % of spend."
    assert sentences.sizes(record, small_cells=True).startswith("S1 and S2: ")
    assert sentences.sizes(record).startswith("S2: ")


def test_headline_adds_up(run):
    record, customers = run
    best = sentences.top(record)
    if record["segments"][0]["spend"] is None:
        return
    ids = [s["id"] for s in best]
    theirs = customers.filter(customers["segment_id"].is_in(ids))
    assert theirs["spend"].sum() >= 0.5 * customers["spend"].sum()
    without = customers.filter(customers["segment_id"].is_in(ids[:-1]))
    assert without["spend"].sum() < 0.5 * customers["spend"].sum()


def test_sizes_name_who_is_many_and_brings_little():
    text = sentences.sizes(shares((0.09, 0.61), (0.3, 0.3), (0.61, 0.09))).replace(SPACE, " ")
    assert text == "S1: 9 % of customers, 61 % of spend; S3: 61 % of customers, 9 % of spend."
    text = sentences.sizes(shares((0.07, 0.27), (0.93, 0.73))).replace(SPACE, " ")
    assert text == "S1: 7 % of customers, 27 % of spend; S2: 93 % of customers, 73 % of spend."
    assert sentences.sizes(shares((0.4, None), (0.6, None))) == "The smallest segment, S1, has 400 customers."


def test_sizes_name_all_the_smallest():
    tied = sentences.sizes(shares((0.2, None), (0.6, None), (0.2, None)))
    assert tied == "The smallest segments, S1 and S3, have 200 customers each."
    equal = sentences.sizes(shares((0.5, None), (0.5, None)))
    assert equal == "The segments are of one size: each has 500 customers."


def test_choice_says_what_auto_would_have_done(three):
    record = dict(three[0])
    assert "Left to itself" not in sentences.choice(record)
    record["k_selection"] = dict(record["k_selection"], auto=2, verdict="none")
    text = sentences.choice(record)
    assert "Left to itself, custseg would have taken 2." in text
    assert "no sign of separate groups" in text
    record["k_selection"] = {"chosen": 3, "candidates": []}
    assert sentences.choice(record) == "3 segments were asked for."


def test_ledger_names_the_largest_loss(three):
    record = three[0]
    kept, read = record["ledger"]["kept"], record["ledger"]["rows_read"]
    text = sentences.ledger(record)
    assert text.startswith(f"{kept:,} of {read:,} lines")
    assert text.endswith("24,300, had no customer id.")
    whole = dict.fromkeys(record["ledger"], 0) | {"rows_read": 5, "kept": 5}
    assert sentences.ledger({"ledger": whole}).endswith("were kept: none was lost.")


@pytest.mark.parametrize(
    ("missing", "text"),
    [
        (136, "; most of the others, 136, had no customer id."),
        (135, "; of the 270 others, 135 had no customer id."),
        (100, "; of the 270 others, 100 had no customer id."),
    ],
)
def test_most_is_said_of_more_than_half(missing, text):
    lost = {"missing_customer": missing, "cancelled": 90, "duplicate": 270 - 90 - missing}
    fates = dict.fromkeys(("invalid", "excluded", "non_positive"), 0)
    assert sentences.ledger({"ledger": {"rows_read": 370, "kept": 100, **fates, **lost}}).endswith(text)


def test_migration_counts_who_stayed(three):
    record = three[0]
    moves = record["previous"]["migration"]
    new = sum(m["customers"] for m in moves if m["from_id"] is None)
    assert sentences.migration(record).endswith(f"{new:,} customers were not in the previous run.")


def test_without_a_customer_in_both_runs_nobody_stayed(three):
    record = three[0]
    moves = [m for m in record["previous"]["migration"] if None in (m["from_id"], m["to_id"])]
    apart = record["previous"] | {"migration": moves, "choose_again": True, "advice": "Choose again."}
    text = sentences.migration(record | {"previous": apart})
    assert text == "No customer is in both runs. Choose again."


def test_silhouettes_say_whether_they_are_a_sample(three):
    record = three[0]
    table = tables.silhouettes(record)
    assert "a sample of 1,000 customers" in sentences.silhouettes(table, record)
    record = dict(record, k_selection=dict(record["k_selection"], silhouette_exact=True))
    assert "on all customers" in sentences.silhouettes(table, record)


def test_who_bought_once_is_counted_in_all_cells_and_never_fewer_than_ten():
    cells = pl.DataFrame(
        {"purchases_step": [0, 0, 6], "purchases": ["1", "1", "21+"], "recency": ["1–30", "31–60", "366+"]}
    )
    many = cells.with_columns(customers=pl.Series([9, 8, 983]))
    text = sentences.recency_frequency(many, {"customers": 1000}, small_cells=False).replace(SPACE, " ")
    assert text == (
        "2 % of customers bought once; the fullest cell holds 983 customers with more than 20 purchases, the "
        "last more than 365 days ago."
    )
    few = cells.with_columns(customers=pl.Series([5, 4, 991]))
    assert sentences.recency_frequency(few, {"customers": 1000}, small_cells=False).startswith(
        "Fewer than 10"
    )
    assert "0.9" in sentences.recency_frequency(few, {"customers": 1000}, small_cells=True)


def test_medians_all_alike_are_said_so():
    row = {"segment": "1 A", "feature": "Spend", "name": "spend", "text": "5", "ratio": 1.0}
    table = pl.DataFrame([row | {"median": 5.0, "all_customers": 5.0}])
    assert sentences.profiles(table) == "No segment's median differs from that of all customers."
    text = sentences.profiles(table.with_columns(ratio=pl.lit(0.25)))
    assert (
        text.replace(SPACE, " ")
        == "The largest difference is in spend: the median of A, 5, is 25 % of that of all customers."
    )
    assert "is 4 times that of all" in sentences.profiles(table.with_columns(ratio=pl.lit(4.0)))
    none = table.with_columns(ratio=pl.lit(0.0), median=pl.lit(0.0), text=pl.lit("0"))
    for ratio in (0.0, None):
        text = sentences.profiles(none.with_columns(ratio=pl.lit(ratio, pl.Float64)), "GBP")
        assert (
            text == "The largest difference is in spend: the median of A is 0, that of all customers £5.00."
        )


def test_the_largest_difference_is_the_largest_where_all_customers_have_none():
    table = pl.DataFrame(
        {
            "segment": ["1 Champions", "2 Loyal", "3 Hibernating"],
            "feature": ["Returned value"] * 3,
            "name": ["returned_value"] * 3,
            "median": [81.25, 0.0, 246.0],
            "all_customers": [0.0] * 3,
            "ratio": pl.Series([None] * 3, dtype=pl.Float64),
            "text": ["81.25", "0", "246"],
        }
    )
    assert "the median of Hibernating is 246, that of all customers 0" in sentences.profiles(table)


def test_middle_halves_are_said_in_figures():
    table = pl.DataFrame(
        {"name": ["spend"] * 2, "segment": ["1 A", "2 B"], "p25": [300.0, 5.0], "p75": [800.0, 5.0]}
    )
    text = sentences.strips(table, "GBP")
    assert text == "In spend, the middle half of A is £300 to £800, that of B £5.00: they do not overlap."
    assert sentences.strips(table.with_columns(p75=500.0), None).endswith(
        "that of B 5.00 to 500: they overlap."
    )


def test_nobody_nearer_to_another_segment_is_said_in_words(three):
    record = three[0]
    table = tables.silhouettes(record)
    one = table.filter(segment=table["segment"][0])
    assert "% of customers lie nearer" in sentences.silhouettes(one, record)
    parts = record["k_selection"]["silhouette_by_segment"]
    near = [part | {"below_zero": 0.0} for part in parts]
    record = record | {"k_selection": record["k_selection"] | {"silhouette_by_segment": near}}
    assert sentences.silhouettes(one, record).startswith("No customer lies nearer to another segment (")
    none = table.with_columns(below_zero=0.0)
    assert "; no customer lies nearer to another segment (" in sentences.silhouettes(none, record)


def test_a_reason_does_not_break_within_a_figure():
    record = {"k_selection": {"chosen": 3, "reason": "k = 3 leaves 2 % of customers."}}
    assert sentences.choice(record) == f"k\u00a0=\u00a03 leaves 2{SPACE}% of customers."


def test_names_are_joined_as_people_do():
    assert sentences.names(["A"]) == "A"
    assert sentences.names(["A", "B", "C"]) == "A, B and C"
    assert sentences.bare("3 Cannot lose them") == "Cannot lose them"
