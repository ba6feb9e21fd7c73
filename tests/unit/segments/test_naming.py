from hypothesis import given
from hypothesis import strategies as st

from custseg.segments.label import Tally
from custseg.segments.naming import describe_segment, name_segments, settle_names
from custseg.segments.profile import SegmentProfile


def tally(**typical):
    return Tally(100, typical, typical)


def rfm(recency, purchases, spend, tenure=400.0):
    return tally(recency_days=recency, tenure_days=tenure, purchases=purchases, spend=spend)


def test_two_segments_are_high_and_low_value():
    assert name_segments([rfm(3, 20, 5000), rfm(300, 1, 20)]) == ("High-Value", "Low-Value")


def test_three_in_line_are_named_from_best_to_worst():
    assert name_segments([rfm(8, 14, 4000), rfm(60, 4, 900), rfm(220, 1.2, 200)]) == (
        "Champions",
        "Needs attention",
        "Hibernating",
    )


def test_words_follow_recency_frequency_and_spend():
    names = name_segments(
        [
            rfm(5, 30, 9000),
            rfm(300, 6, 900),
            rfm(15, 12, 2000),
            rfm(7, 1, 90, tenure=9),
            rfm(330, 1, 60),
        ]
    )
    assert names == ("Champions", "At risk", "Loyal", "New", "Hibernating")


def test_recent_first_buyers_of_long_ago_are_not_new():
    segments = [rfm(5, 30, 9000), rfm(60, 6, 900), rfm(10, 1.1, 100, tenure=700), rfm(12, 1.1, 95, tenure=15)]
    assert name_segments(segments)[3] == "New"


def test_no_word_of_time_is_earned_where_recency_hardly_differs():
    names = name_segments([rfm(50, 20, 5000), rfm(52, 5, 900), rfm(54, 1, 80)])
    assert not {"Hibernating", "At risk", "New", "Can't lose"} & set(names[:2])


def test_without_dates_nobody_sleeps():
    names = name_segments(
        [
            tally(purchases=20.0, spend=900.0),
            tally(purchases=4.0, spend=200.0),
            tally(purchases=1.0, spend=9.0),
        ]
    )
    assert names == ("Champions", "Regulars", "Low-Value")


def test_quantity_and_lines_stand_in():
    names = name_segments(
        [
            tally(lines=90.0, total_quantity=900.0),
            tally(lines=20.0, total_quantity=99.0),
            tally(lines=1.0, total_quantity=2.0),
        ]
    )
    assert names == ("Champions", "Regulars", "Low-Value")
    assert len(set(name_segments([tally(lines=9.0), tally(lines=5.0), tally(lines=1.0)]))) == 3


segments = st.lists(
    st.tuples(st.floats(0, 2000), st.floats(1, 500), st.floats(-100, 1e9), st.floats(0, 3000)),
    min_size=2,
    max_size=50,
)


@given(segments)
def test_names_are_unique_and_one_each(drawn):
    names = name_segments([rfm(*values) for values in drawn])
    assert len(names) == len(set(names)) == len(drawn)
    if 2 < len(drawn) <= 12:
        assert not any(name[-1].isdigit() for name in names)


def profile(**medians):
    return SegmentProfile(1, 60, 0.06, 4800.0, 0.48, medians, medians)


def test_the_sentence_holds_medians_and_shares():
    everything = profile(purchases=14.0, recency_days=12.0, spend=3404.2, lines=80.0, total_quantity=1.0)
    assert describe_segment(everything) == (
        "Typically bought 14 times, last 12 days ago, 3,404 in all: 6 % of customers, 48 % of spend"
    )
    assert "EUR 3,404 in all" in describe_segment(everything, currency="EUR")
    assert describe_segment(profile(purchases=1.0, recency_days=1.0)).startswith(
        "Typically bought once, last 1 day ago:"
    )


def test_the_sentence_without_money_dates_or_invoices():
    bare = SegmentProfile(1, 60, 0.5, None, None, {"lines": 7.5, "total_quantity": 120.0}, {})
    assert describe_segment(bare) == "Typically bought 7.5 lines, 120 units in all: 50 % of customers"


FOUR = [rfm(3, 20, 5000), rfm(20, 9, 900), rfm(150, 5, 400), rfm(300, 1, 20)]


def settled(*, asked=None, carried=None, tallies=FOUR, numbers=(1, 2, 3, 4)):
    return settle_names(tallies[: len(numbers)], numbers, asked=asked or {}, carried=carried or {})


def test_names_go_on_by_number():
    automatic = settled()
    assert automatic == name_segments(FOUR)
    carried = {1: "Hibernating", 2: "Our best", 3: "Loyal"}
    found = settled(carried=carried)
    assert found[:3] == ("Hibernating", "Our best", "Loyal")
    assert found[3] not in carried.values()


def test_the_name_of_a_segment_that_is_gone_is_given_to_no_other():
    automatic = settled()
    carried = {1: "Our best", 2: automatic[1], 9: automatic[3]}
    found = settled(carried=carried)
    assert found[:2] == ("Our best", automatic[1])
    assert automatic[3] not in found
    # Who asks for it gets it.
    assert settled(carried=carried, asked={"3": automatic[3]})[2] == automatic[3]


def test_names_that_were_asked_for_win():
    automatic = settled()
    assert settled(asked={"2": "VIP"}) == (automatic[0], "VIP", *automatic[2:])
    assert settled(asked={automatic[3]: "Sleepers"})[3] == "Sleepers"
    assert settled(asked={"1": "VIP", "Old": "Gold"}, carried={1: "A", 2: "Old"})[:2] == ("VIP", "Gold")


def test_a_name_is_never_given_twice():
    automatic = settled()
    swapped = settled(asked={"2": automatic[0]})
    assert swapped[1] == automatic[0]
    assert len({name.casefold() for name in swapped}) == 4
    found = settled(asked={"2": "loyal"}, carried={1: "Loyal", 3: "Fine"})
    assert found[1:3] == ("loyal", "Fine")
    assert found[0].casefold() != "loyal"
    two = settled(asked={"1": "Low-Value"}, numbers=(1, 2))
    assert two[0] == "Low-Value"
    assert two[1] != "Low-Value"


def test_a_name_given_by_the_name_it_replaces_stays_month_after_month():
    words = {"Champions": "Loyal", "Loyal": "Champions"}
    first = settled(asked=words)
    assert settled(asked=words, carried=dict(enumerate(first, start=1))) == first
    asked = {"Hibernating": "Asleep", "1": "VIP"}
    names = settled(asked={"1": "VIP"})
    assert names[3] == "Hibernating"
    for _ in range(3):
        names = settled(asked=asked, carried=dict(enumerate(names, start=1)))
        assert (names[0], names[3]) == ("VIP", "Asleep")


def test_of_two_segments_each_has_its_word_unless_another_was_asked_for():
    two = {"numbers": (1, 2), "tallies": [FOUR[0], FOUR[3]]}
    assert settled(asked={"9": "X"}, **two) == ("High-Value", "Low-Value")
    assert settled(asked={"1": "VIP"}, **two) == ("VIP", "Low-Value")
    assert settled(asked={"Low-Value": "Asleep"}, **two) == ("High-Value", "Asleep")
    assert settled(carried={2: "Loyal"}, **two) == ("High-Value", "Loyal")
    assert settled(carried={2: "Loyal"}, numbers=(1, 2), tallies=[FOUR[3], FOUR[0]]) == ("Low-Value", "Loyal")


@given(
    st.dictionaries(
        st.sampled_from(["1", "2", "3", "4", "Loyal", "Champions", "X"]), st.text("ab", min_size=1)
    )
)
def test_names_stay_unique_whatever_is_asked(asked):
    asked = dict(zip(asked, dict.fromkeys(asked.values()), strict=False))
    found = settled(asked=asked, carried={2: "Loyal", 4: "a"})
    assert len({name.casefold() for name in found}) == 4
