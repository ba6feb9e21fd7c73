import html
import re

import numpy as np
import pytest
import vl_convert

from custseg.report import formats, theme
from custseg.report.theme import Look

# Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
# Ottosson 2020: linear RGB to cone responses, and those to OKLab.
CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(color):
    part = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def contrast(one, other):
    light, dark = sorted((linear(c) @ [0.2126, 0.7152, 0.0722] for c in (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize("mode", ["light", "dark"])
def test_segment_colours_can_be_told_apart(mode, sight):
    seen = np.array([np.clip(SIGHTS[sight] @ linear(color), 0, 1) for color in theme.SEGMENTS[mode]])
    lab = np.cbrt(seen @ CONES.T) @ OKLAB.T
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)[np.triu_indices(10, 1)]
    assert apart.min() >= 0.05


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_what_is_drawn_stands_out_from_the_paper(mode):
    ink = theme.INK[mode]
    assert min(contrast(color, ink["paper"]) for color in theme.SEGMENTS[mode]) >= 2.99
    for text in ("ink", "quiet", "link"):
        for ground in ("paper", "ground"):
            assert contrast(ink[text], ink[ground]) >= 4.5
    deep, middle = [theme.DIVERGING[mode][i] for i in (0, -1)], theme.DIVERGING[mode][1:-1]
    assert min(contrast(ink["ondeep"], color) for color in deep) >= 4.5
    assert min(contrast(ink["ink"], color) for color in middle + theme.HEAT[mode]) >= 4.5


def test_both_modes_have_the_same_colours_by_name():
    assert theme.variables("light").keys() == theme.variables("dark").keys()
    assert "var(--s1)" in theme.config(None)["range"]["category"]
    assert "var(" not in str(theme.config("light"))


def test_a_segment_keeps_its_colour_and_shape_whatever_else_there_is():
    both, alone = Look({1: "1 A", 3: "3 C"}), Look({3: "3 C"})
    for look in (both, alone):
        domain = look.color().to_dict()["scale"]["domain"]
        assert domain.index("3 C") == 2
        assert look.shape().to_dict()["scale"]["range"][2] == theme.SHAPES[2]
    assert both.labels == ["1 A", "3 C"]


def test_twelve_segments_begin_the_marks_again():
    look = Look({i: f"{i} x" for i in range(1, 13)})
    scale = look.shape().to_dict()["scale"]
    assert scale["range"][10] == theme.SHAPES[0]
    assert len(scale["range"]) == len(scale["domain"]) == 12


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9, 9, [1, 2, 5]),
        (3, 200, [3, 10, 30, 100]),
        (1, 1e6, [1, 10, 100, 1e3, 1e4, 1e5, 1e6]),
        (0.02, 0.3, [0.02, 0.05, 0.1, 0.2]),
    ],
)
def test_log_ticks_are_few_and_round(low, high, ticks):
    assert theme.log_ticks(low, high) == pytest.approx(ticks)


def test_charts_write_shares_as_the_page_does():
    values = [0, 0.0004, 0.004, 0.0948, 0.48, 0.99, 0.9931, 0.997, 0.99999, 1, 1.05, -0.03, -0.996]
    spec = {
        "data": {"values": [{"share": value, "row": row} for row, value in enumerate(values)]},
        "transform": [{"calculate": theme.percent("datum.share"), "as": "text"}],
        "mark": "text",
        "encoding": {"y": {"field": "row", "type": "ordinal", "axis": None}, "text": {"field": "text"}},
    }
    drawn = re.findall(r"<text[^>]*>([^<]*)</text>", vl_convert.vegalite_to_svg(spec))
    assert [html.unescape(text) for text in drawn] == [formats.share(value) for value in values]
