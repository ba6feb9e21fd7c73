"""Letters: whether text that is not UTF-8 is the West European one that it would be read as.

Bytes do not say which letters they are. What cp1252 makes of Cyrillic or Japanese ones has letters side by
side that no West European language has in one word, signs within words, or capitals behind small letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise

from custseg.errors import InputError, cut
from custseg.transactions.streams import is_utf8, read_western

WESTERN = (
    "àâæçéèêëîïôœùûüÿ",  # French
    "äöüßé",  # German
    "áéíóúüñç",  # Spanish, Catalan with the next
    "àéèíïóòúüç",
    "áâãàçéêíóôõúü",  # Portuguese
    "àèéìíîòóùú",  # Italian
    "åäöéüæø",  # Nordic
    "áéíóúýþæðö",  # Icelandic, Faroese with the next
    "áðíóúýæø",
    "õäöüšž",  # Estonian, Finnish
    "áàâäéèêëíìîïóòôöúùûüñ",  # Dutch, Irish, Welsh, names
)
EASTERN = (
    "ąćęłńóśźż",  # Polish
    "áäčďéěíĺľňóôŕřšťúůýž",  # Czech, Slovak
    "áéíóöőúüű",  # Hungarian
    "ăâîșțşţ",  # Romanian
    "čćđšž",  # Croatian, Slovene
    "äöüß",
)
CYRILLIC = ("абвгдежзийклмнопрстуфхцчшщъыьэюяёіїєґўјљњћџђ",)
GREEK = ("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώϊϋΐΰ",)
TURKISH = ("çğıöşüâîû", "i\u0307çğıöşü")

ENCODINGS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("cp1251", CYRILLIC),
    ("koi8-r", CYRILLIC),
    ("cp866", CYRILLIC),
    ("cp1253", GREEK),
    ("cp1250", EASTERN),
    ("iso8859-2", EASTERN),
    ("cp1254", TURKISH),
    ("mac-roman", WESTERN),
    ("cp850", WESTERN),
    ("cp852", EASTERN),
)
"""Encodings of one byte a letter that are tried, and the letters of the languages they are for."""

ASIAN_ENCODINGS = ("cp932", "cp949", "gb18030", "big5")

ICONV = {"mac-roman": "macintosh"}
"""Names that iconv has for encodings, where they are not Python's."""

MOST_LINES = 400
TOLERATED = 0.1
"""Share of odd words among those with more than ASCII: trash and names from anywhere are in every file."""

_WORD = re.compile(r"[^\W\d_²³¹¼½¾]+")
_SIGN_WITHIN = re.compile(r"(?<=[^\W\d_])[\x80-\x9f‚ƒ„…†‡ˆ‰‹“”•˜›¡-¥§¨¬¯²³¸¹¼¾¿](?=[^\W\d_])")
_GAP = re.compile(r"[\x81\x8d\x8f\x90\x9d]")
_CAPITAL_BEHIND = re.compile(r"[a-zß-öø-ÿ][À-ÖØ-ÞŠŽŸŒ]")


def refuse_other_letters(path: str, data: Iterable[bytes], eol: bytes) -> str:
    """Look at text that is read as UTF-8 or else cp1252, and return a word of the latter; empty without one.

    Parameters
    ----------
    data
        Whole lines from the file.

    Raises
    ------
    InputError
        The lines that are not UTF-8 are hardly cp1252.
    """
    lines = list(islice(_strange_lines(data, eol), MOST_LINES))
    words = [word for line in lines for word in _words(read_western(line))]
    odd = [word for word in words if _is_odd(word)] or _lone_icelandic(words)
    if len(odd) <= TOLERATED * len(words):
        return next((word for word in words if _WORD.fullmatch(word)), words[0] if words else "")
    example = next(line for line in lines if set(odd) & set(_words(read_western(line))))
    readings = [f"{name}: '{_excerpt(example.decode(name))}'" for name in _likely(lines)[:3]]
    likely = readings[0].partition(":")[0] if readings else "NAME"
    found = f"Others read {'; '.join(readings)}. " if readings else ""
    raise InputError(
        "unknown-encoding",
        "The file is not in UTF-8, and by its letters hardly in cp1252, which would read: "
        f"'{_excerpt(read_western(example))}'.",
        where=path,
        now=f"{found}Say which is right: --encoding {likely} (or cp1252). If other files are in UTF-8, write "
        f"this one anew: iconv -f {ICONV.get(likely, likely)} -t utf-8 FILE > NEW.",
    )


def _strange_lines(data: Iterable[bytes], eol: bytes) -> Iterator[bytes]:
    for block in data:
        if not is_utf8(block):
            yield from (line for line in block.split(eol) if not is_utf8(line))


def _words(text: str) -> list[str]:
    """Return what stands between blanks and separators and has more than ASCII."""
    return [word for word in re.split(r"[\s,;|\"\x1e\d]+", text) if not word.isascii()]


def _is_odd(word: str) -> bool:
    """Tell whether a word, as cp1252 reads it, can hardly be West European."""
    if _SIGN_WITHIN.search(word) or _GAP.search(word) or _CAPITAL_BEHIND.search(word):
        return True
    return not all(_is_of(part, WESTERN) for part in _WORD.findall(word.replace("ª", "").replace("º", "")))


def _lone_icelandic(words: Sequence[str]) -> list[str]:
    """Return words with ð, ý and þ where no other Icelandic letter is: they are Turkish ğ, ı and ş."""
    letters = set("".join(words).lower())
    return [] if letters & set("áíóúæ") else [word for word in words if set(word.lower()) & set("ðýþ")]


def _is_of(word: str, languages: Sequence[str]) -> bool:
    """Tell whether a word could be one of a language: all its letters are in one alphabet."""
    letters = {sign for sign in word.lower() if not sign.isascii()}
    return any(letters <= set(alphabet) for alphabet in languages)


def _likely(lines: Sequence[bytes]) -> list[str]:
    """Return encodings that make words of lines, the likeliest first."""
    scores = []
    for name, languages in ENCODINGS:
        if (text := _decoded(lines, name)) is not None:
            fit = [_is_fit(word, languages) for word in _words(text)]
            scores.append((sum(fit) / max(1, len(fit)), name))
    for name in ASIAN_ENCODINGS:
        if (text := _decoded(lines, name)) is not None:
            scores.append((_asian_share(text, name), name))
    scores.sort(key=lambda score: -score[0])
    return [name for share, name in scores if share > 0.5]


def _decoded(lines: Sequence[bytes], name: str) -> str | None:
    try:
        return b"\n".join(lines).decode(name)
    except UnicodeDecodeError:
        return None


def _is_fit(word: str, languages: Sequence[str]) -> bool:
    """Tell whether a word is one of a language: its letters only, no small ones before capitals."""
    if any(a.islower() and b.isupper() for a, b in pairwise(word)):
        return False
    signs = [sign for sign in word if not sign.isascii()]
    mixed = languages in (CYRILLIC, GREEK) and re.search("[A-Za-z]", word)
    return not mixed and all(map(str.isalpha, signs)) and _is_of(word, languages)


def _asian_share(text: str, name: str) -> float:
    """Return the share of signs that are common in the language an encoding is for."""
    signs = [sign for sign in text if not sign.isascii()]
    if name == "cp932":
        kana = sum("\u3041" <= sign <= "\u30fc" for sign in signs)
        han = sum(b"\x88" <= sign.encode(name)[:1] <= b"\x98" for sign in signs)
        return (2 * kana + han) / len(signs) / (1.5 if kana else 2)
    common = {"gb18030": (b"\xb0", b"\xd8"), "big5": (b"\xa4", b"\xc7"), "cp949": (b"\xb0", b"\xc9")}[name]
    within = sum(common[0] <= sign.encode(name)[:1] < common[1] for sign in signs)
    return within / len(signs)


def _excerpt(text: str) -> str:
    """Return a few words around the first that has more than ASCII."""
    place = next((at for at, sign in enumerate(text) if not sign.isascii()), 0)
    return cut(text[max(0, place - 12) : place + 28].replace("\x1e", " ").strip())
