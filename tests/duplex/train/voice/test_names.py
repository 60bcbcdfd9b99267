"""Names of the CMU dictionary become phonemes of the voice, and change no word that the lexicon knows."""

import pytest

from duplex.model.text.lexicon import Lexicon
from duplex.train.voice.names import add_names, to_phonemes


@pytest.mark.parametrize(
    ("phones", "phonemes"),
    [
        ("L AO1 S", "lˈɔs"),
        ("AE1 N JH AH0 L IH0 S", "ˈænʤəlɪs"),
        ("S IH1 T IY0", "sˈɪTi"),
        ("B AH1 T AH0 N", "bˈʌtᵊn"),
        ("B AA1 T AH0 L", "bˈɑTᵊl"),
        ("P AA1 R T ER0", "pˈɑɹTəɹ"),
        ("B ER1 D", "bˈɜɹd"),
        ("M EH1 M ER0 IY0", "mˈɛməɹi"),
        ("HH AE2 L AH0 W IY1 N", "hˌæləwˈin"),
    ],
)
def test_phones_become_phonemes(phones: str, phonemes: str) -> None:
    assert to_phonemes(phones.split()) == phonemes


def test_only_what_nobody_knows_is_added() -> None:
    lexicon = Lexicon({"lo": "lˈO", "hello": "həlˈO", "city": "sˈɪTi"})
    lines = [
        "los L AO1 S  # name",
        "los(2) L OW1 S",
        "hello W AH1 N",
        "known W AH1 N",
        "cities S IH1 T IY0 Z",
        "aol EY1 OW1 EH1 L",
        "42nd F AO1 R",
        "hmm HH M",
        "",
    ]
    assert add_names(lexicon, lines, {"known"}) == 1
    assert lexicon.phonemes("los") == "lˈɔs"
    assert lexicon.phonemes("hello") == "həlˈO"
    assert lexicon.phonemes("cities") == "sˈɪTiz"
