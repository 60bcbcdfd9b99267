"""Words become units by entry, by word-formation rules, by letters; the file round-trips, and fails with one line."""

from pathlib import Path

import pytest

from duplex.model.text.lexicon import Lexicon, LexiconError
from duplex.model.text.phonemes import UNITS, Unit, parse, spell


@pytest.fixture
def lexicon() -> Lexicon:
    return Lexicon(
        {
            "a": "ɐ",
            "apple": "ˈæpᵊl",
            "bus": "bˈʌs",
            "cat": "kˈæt",
            "city": "sˈɪTi",
            "forty": "fˈɔɹTi",
            "flower": "flˈWəɹ",
            "hello": "həlˈO",
            "make": "mˈAk",
            "stop": "stˈɑp",
            "sun": "sˈʌn",
            "two": "tˈu",
            "want": "wˈɑnt",
        }
    )


def test_entry_gives_phonemes_with_stress(lexicon: Lexicon) -> None:
    assert lexicon.units("hello") == (Unit("h"), Unit("ə"), Unit("l"), Unit("O", 1))


@pytest.mark.parametrize(
    ("word", "sound"),
    [
        ("mak", "mˈæk"),
        ("mak's", "mˈæks"),
        ("making", "mˈAkɪŋ"),
        ("cats", "kˈæts"),
        ("sunmak", "sˈʌnmæk"),
    ],
)
def test_names_come_after_words_and_form_only_a_plural(lexicon: Lexicon, word: str, sound: str) -> None:
    """What is formed from a word stays as it is; a name is no part of a compound."""
    lexicon.add_name("mak", "mˈæk")
    lexicon.add_name("cat", "nˈAm")
    assert lexicon.phonemes(word) == sound
    assert "mak" not in lexicon
    assert all(entry.islower() for entry in lexicon.words())


def test_names_are_in_the_file(lexicon: Lexicon, tmp_path: Path) -> None:
    lexicon.add_name("los", "lˈɔs")
    lexicon.save(tmp_path / "lexicon.xz")
    assert Lexicon.load(tmp_path / "lexicon.xz").phonemes("los") == "lˈɔs"


def test_case_does_not_matter(lexicon: Lexicon) -> None:
    assert lexicon.units("Hello") == lexicon.units("hello")


@pytest.mark.parametrize("mark", list(",.?!"))
def test_punctuation_is_its_own_unit(lexicon: Lexicon, mark: str) -> None:
    assert lexicon.units(mark) == (Unit(mark),)


@pytest.mark.parametrize(
    ("word", "sound"),
    [
        ("apples", "ˈæpᵊlz"),
        ("cats", "kˈæts"),
        ("buses", "bˈʌsᵻz"),
        ("cities", "sˈɪTiz"),
        ("apple's", "ˈæpᵊlz"),
        ("wanted", "wˈɑntᵻd"),
        ("stopped", "stˈɑpt"),
        ("making", "mˈAkɪŋ"),
        ("stopping", "stˈɑpɪŋ"),
        ("sunflower", "sˈʌnflˌWəɹ"),
        ("42", "fˈɔɹTi tˈu"),
    ],
)
def test_built_words(lexicon: Lexicon, word: str, sound: str) -> None:
    assert lexicon.phonemes(word) == sound


def test_words_without_vowels_are_spelled(lexicon: Lexicon) -> None:
    assert lexicon.phonemes("nbc") == "ˈɛn bˈi sˈi"


@pytest.mark.parametrize(
    ("word", "sound"),
    [
        ("blorptag", "blˈɔɹptæɡ"),
        ("smooching", "smˈuʧɪŋ"),
        ("quiph", "kwˈɪf"),
        ("nake", "nˈAk"),
        ("grunction", "ɡɹˈʌŋkʃᵊn"),
    ],
)
def test_unknown_words_follow_the_letters(lexicon: Lexicon, word: str, sound: str) -> None:
    assert lexicon.phonemes(word) == sound


def test_letter_a_has_its_name_where_its_neighbours_show_a_letter(lexicon: Lexicon) -> None:
    assert lexicon.needs_following("a")
    assert not lexicon.needs_following("an")
    assert lexicon.phonemes("a", "is", ".") == "ˈA"
    assert lexicon.phonemes("a", "are", "b") == "ˈA"
    assert lexicon.phonemes("a", "is", "cat") == "ɐ"
    assert lexicon.phonemes("a", "c") == "ˈA"
    assert lexicon.phonemes("a", "spelled") == "ˈA"
    assert lexicon.phonemes("a", "is") == "ɐ"
    assert lexicon.phonemes("a", "i") == "ɐ"


def test_every_word_of_letters_has_units(lexicon: Lexicon) -> None:
    for word in ("x", "qqq", "schwyz", "zzyzx", "aeiou", "o'brien", "well-known"):
        units = lexicon.units(word)
        assert units
        assert all(unit.symbol in UNITS for unit in units)


def test_text_without_letters_gives_nothing(lexicon: Lexicon) -> None:
    assert lexicon.units("") == ()
    assert lexicon.units("--") == ()


def test_spell_is_the_inverse_of_parse() -> None:
    assert spell(parse("wˈʌndəɹˌɪŋ")) == "wˈʌndəɹˌɪŋ"


def test_file_round_trip(lexicon: Lexicon, tmp_path: Path) -> None:
    path = tmp_path / "lexicon.xz"
    lexicon.save(path)
    again = Lexicon.load(path)
    assert set(again.words()) == set(lexicon.words())
    assert all(again.phonemes(word) == lexicon.phonemes(word) for word in lexicon.words())


def test_missing_and_broken_files_say_so(tmp_path: Path) -> None:
    with pytest.raises(LexiconError, match="cannot be read"):
        Lexicon.load(tmp_path / "absent.xz")
    broken = tmp_path / "broken.xz"
    broken.write_bytes(b"hello")
    with pytest.raises(LexiconError, match="is not a lexicon"):
        Lexicon.load(broken)
