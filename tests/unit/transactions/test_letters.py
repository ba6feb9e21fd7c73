"""Text that is not UTF-8: West European is read, anything else is refused with the encoding that reads it."""

from pathlib import Path

import polars as pl
import pytest

from custseg.errors import InputError
from custseg.settings import Settings
from custseg.transactions import find, reading
from custseg.transactions.letters import refuse_other_letters
from custseg.transactions.lines import read_lines
from custseg.transactions.pieces import Piece, batches

OTHERS = {
    "Japanese": ("cp932", "青いノートブック", "東京 ギフトセット", "株式会社山田商店"),
    "Chinese": ("gb18030", "蓝色笔记本", "茶杯套装", "圣诞树装饰品", "北京 王小明"),
    "traditional Chinese": ("big5", "藍色筆記本", "茶杯套裝", "聖誕樹裝飾品"),
    "Korean": ("cp949", "파란 공책", "찻잔 세트", "크리스마스 트리 장식"),
    "Russian": ("cp1251", "Синяя тетрадь", "Набор чашек", "Москва"),
    "Russian on Unix": ("koi8-r", "Синяя тетрадь", "Набор чашек", "Москва"),
    "Ukrainian": ("cp1251", "Синій зошит", "Набір чашок", "Київ"),
    "Greek": ("cp1253", "Μπλε τετράδιο", "Σετ φλιτζάνια", "Αθήνα"),
    "Polish": ("cp1250", "Zestaw filiżanek", "Półka żółta", "Łódź", "Kraków"),
    "Czech": ("cp1250", "Modrý sešit", "Sada šálků", "Vánoční stromeček", "Žlutý kůň"),
    "Hungarian": ("cp1250", "Csésze készlet", "Karácsonyfadísz", "Tűző", "Fűtőtest"),
    "Romanian": ("cp1250", "Set de ceşti", "Brad de Crăciun", "ţară"),
    "Turkish": ("cp1254", "Çay bardağı", "Gümüş kaşık", "Yılbaşı süsü"),
    "French on a Mac": ("mac-roman", "Théière émaillée", "crème brûlée", "façade"),
    "German on a Mac": ("mac-roman", "Weihnachtsgröße", "Tüte", "Straße", "Bäckerei"),
    "German of DOS": ("cp850", "Größe", "Tüte", "Straße", "Bäckerei"),
}
WESTERN = {
    "French": ("Théière émaillée", "crème brûlée", "façade", "L’œuf", "1er étage – 2ème", "«mot»", "½ kg"),
    "German": ("Größe", "Tüte", "Straße", "ÜBERGRÖSSE", "Öl", "5€", "20°C", "m²"),
    "Spanish": ("Niño", "cañón", "taza pequeña", "¿Qué?", "¡Hola!", "1ª", "AÑO NUEVO"),
    "Portuguese": ("São Paulo", "ações", "maçã", "avô", "CORAÇÃO", "Nº 1"),
    "Italian": ("caffè", "città", "più", "perché"),
    "Nordic": ("Grøn kop", "Blå", "Smörgås", "Æble", "hääyöaie", "KØBENHAVN"),
    "Icelandic": ("Þórður", "gæði", "kýr", "Ísafjörður"),
    "Estonian": ("õun", "täht", "jäääär", "šokolaad"),
    "Dutch": ("één", "coördinatie", "België"),
    "English": ("£5 voucher", "“quoted”", "it’s", "naïve", "LEGO®", "3×5 frame", "L´Oréal"),
    "names": ("Françoise Müller", "Peña", "Åse Lindström", "D’Angelò", "Zoë"),
}


def lines(words: tuple[str, ...], encoding: str) -> bytes:
    return "".join(f"{n},{word},2.50\n" for n, word in enumerate(words)).encode(encoding)


@pytest.mark.parametrize("language", OTHERS)
def test_other_letters_are_refused_with_the_encoding_that_reads_them(language: str) -> None:
    encoding, *words = OTHERS[language]
    with pytest.raises(InputError) as caught:
        refuse_other_letters("file.csv", [lines(tuple(words), encoding)], b"\n")
    assert caught.value.code == "unknown-encoding"
    assert f"--encoding {encoding} " in caught.value.now
    shown = caught.value.now.partition(f"{encoding}: '")[2].partition("'")[0]
    assert any(word[:20] in shown for word in words)


@pytest.mark.parametrize("language", WESTERN)
def test_western_letters_are_read(language: str) -> None:
    words = WESTERN[language]
    word = refuse_other_letters("file.csv", [lines(words, "cp1252")], b"\n")
    assert any(word in text for text in words)


def test_utf8_needs_no_word() -> None:
    words = tuple(word for _, *words in OTHERS.values() for word in words)
    assert refuse_other_letters("file.csv", [lines(words, "utf-8")], b"\n") == ""


def test_some_trash_is_no_other_encoding() -> None:
    words = (*["Größe"] * 30, *["Straße"] * 30, "Êíèãà")
    assert refuse_other_letters("file.csv", [lines(words, "cp1252")], b"\n") == "Größe"


@pytest.mark.parametrize("language", OTHERS)
def test_told_the_encoding_ids_are_read_right(tmp_path: Path, language: str) -> None:
    encoding, *words = OTHERS[language]
    path = tmp_path / "file.csv"
    rows = [f"{n},{words[n % len(words)]},2011-01-{1 + n % 28:02d},1,2.50" for n in range(60)]
    path.write_bytes("\n".join(["Invoice,Customer,Date,Quantity,Price", *rows, ""]).encode(encoding))
    with pytest.raises(InputError, match="hardly in cp1252"):
        reading.open_input(find.find_files([path]), Settings())
    table = reading.open_input(find.find_files([path]), Settings(encoding=encoding))
    (batch,) = batches(table, [Piece(0)], 1 << 20)
    found = read_lines(table, batch).heads["customer_id"]
    assert set(found) == set(words)
    assert pl.Series(found).null_count() == 0


def test_a_run_says_what_it_reads_as_cp1252(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(("Customer,Quantity\n" + "Müller,1\nSmith,2\n" * 30).encode("cp1252"))
    table = reading.open_input(find.find_files([path]), Settings())
    assert "1 of 1 files: cp1252 where not UTF-8, such as 'Müller'." in table.notes
