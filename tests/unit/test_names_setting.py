"""Names of segments as a user sets them."""

from pathlib import Path

import pytest

from custseg.errors import SettingsError
from custseg.settings import Settings, resolve


def read(tmp_path: Path, text: str) -> Settings:
    job = tmp_path / "job.toml"
    job.write_text(text, "utf-8")
    return resolve({}, job)[0]


def test_a_table_by_number_or_by_name(tmp_path: Path) -> None:
    settings = read(tmp_path, '[names]\n1 = " VIP "\nHibernating = "Asleep"\n')
    assert settings.names_by_key == {"1": "VIP", "Hibernating": "Asleep"}
    assert settings.identity()["names"] == {"1": "VIP", "Hibernating": "Asleep"}
    assert "names" not in settings.lasting()


def test_a_list_in_order(tmp_path: Path) -> None:
    settings = read(tmp_path, 'k = 3\nnames = ["VIP", "Regular", "Asleep"]\n')
    assert settings.names_by_key == {"1": "VIP", "2": "Regular", "3": "Asleep"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('names = ["A", "B"]', "needs as many segments, so --k 2"),
        ('k = 3\nnames = ["A", "B"]', "needs as many segments"),
        ('k = "2-3"\nnames = ["A", "B"]', "needs as many segments"),
        ('k = 2\nnames = ["A", "a"]', "given twice"),
        ('[names]\n1 = "A"\n2 = "a "', "given twice"),
        ('k = 2\n[names]\n3 = "A"', "from 1 to 2"),
        ('[names]\n11 = "A"', "from 1 to 10"),
        ('[names]\n0 = "A"', "from 1"),
        ('[names]\n01 = "A"', "numbered 1, 2, 3"),
        ('[names]\n1 = ""', "is no name"),
        (f'[names]\n1 = "{"x" * 61}"', "is no name"),
        ("[names]\n1 = 5", "is no name"),
        ('[names]\n1 = "a\\nb"', "cannot be printed"),
        ('names = "VIP"', "in a job file"),
        ('k = "previous"', "--previous DIR"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text)
    assert words in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_previous_run_goes_on_unless_k_is_given(tmp_path: Path) -> None:
    assert Settings(previous=tmp_path).k == "previous"
    assert Settings(previous=tmp_path, names={"9": "A"}).asked_k is None
    assert Settings(previous=tmp_path, k="auto").k == "auto"
    assert resolve({"previous": tmp_path, "k": "4"})[0].asked_k == (4, 4)
    settings, sources = resolve({"previous": tmp_path})
    assert (settings.k, sources["k"]) == ("previous", "default")
