from datetime import datetime
from pathlib import Path

import numpy as np

from configs.model.language import TextTokenizerConfig
from configs.schedule import ScheduleConfig
from duplex.model.text.tokenizer import TextTokenizer
from duplex.train.dialogue.speak import complete_words, run
from duplex.train.dialogue.tracks import IGNORE_INDEX, TrackTable
from tests.duplex.model.stages.voices import small_voice

MOMENT = datetime(2026, 11, 21, 10, 5)
ANSWERS = ["The cat sat.", "Hello.", "It is <|time|>."]


def tokenizer() -> TextTokenizer:
    words = dict.fromkeys(["it", "is", "the", "cat", "sat", "hello"], 9)
    return TextTokenizer.train(TextTokenizerConfig(vocab_size=120), words)


def test_pieces_fill_ins_and_marks_complete_words() -> None:
    text = tokenizer()
    ids = text.encode("It is <|time|>. zebra")
    words = complete_words(ids, text, MOMENT)
    assert len(words) == len(ids)
    assert " ".join(word for group in words for word in group) == "it is ten oh five a m . zebra"
    assert words[-1] == ["zebra"]
    assert words[-2] == [], "an unfinished word says nothing yet"


def test_answers_are_spoken_once_and_kept(tmp_path: Path) -> None:
    head, text = small_voice().head, tokenizer()
    path = tmp_path / "tracks.npz"
    first = run(ANSWERS[:2], path, head, text, ScheduleConfig())
    table = run(ANSWERS, path, head, text, ScheduleConfig())
    assert set(table.places) == set(ANSWERS)
    assert TrackTable.load(path).places == table.places
    for answer in ANSWERS:
        place = table.places[answer]
        taught = table.taught[place.first : place.first + place.slots]
        assert taught[taught != IGNORE_INDEX].tolist() == [*text.encode(answer), text.eos]
    for answer in ANSWERS[:2]:
        old, new = first.places[answer], table.places[answer]
        kept = table.tokens[new.first : new.first + new.slots]
        assert np.array_equal(kept, first.tokens[old.first : old.first + old.slots])
