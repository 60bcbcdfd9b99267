from pathlib import Path

import numpy as np
import pytest

from duplex.train.dialogue.tracks import IGNORE_INDEX, TableBuilder, TrackError, TrackIds, TrackTable
from tests.duplex.train.dialogue.scenes import REST, WordIds, estimate, silent_table

IDS = TrackIds(silence=0, hold=1, end=2)


def test_a_track_holds_text_hold_and_end() -> None:
    builder = TableBuilder(IDS, REST)
    tokens = np.arange(5 * 5 * 15, dtype=np.int8).reshape(5, 5, 15)
    builder.add("Yes, sir.", [7, 8], [0, -1, 1, 2, -1], tokens)
    table = builder.table()
    assert table.text.tolist() == [7, 1, 8, 2, 1]
    assert table.taught.tolist() == [7, IGNORE_INDEX, 8, 2, IGNORE_INDEX]
    assert np.array_equal(table.tokens, tokens)


def test_estimated_tracks_have_room_for_their_text() -> None:
    ids = WordIds()
    table = silent_table(["Okay.", "The capital of France is Paris."], ids, IDS, REST)
    place = table.places["The capital of France is Paris."]
    text = table.text[place.first : place.first + place.slots].tolist()
    assert text[:6] == ids.encode("The capital of France is Paris.")
    assert text[6] == IDS.end
    assert 8 <= place.slots <= 20
    assert not table.tokens.any()


def test_a_table_is_saved_and_extended(tmp_path: Path) -> None:
    ids = WordIds()
    first = silent_table(["Okay.", "Thank you."], ids, IDS, REST)
    first.save(tmp_path / "tracks.npz")
    loaded = TrackTable.load(tmp_path / "tracks.npz")
    assert loaded.places == first.places
    assert np.array_equal(loaded.text, first.text)
    builder = TableBuilder(IDS, REST)
    estimate(builder, "Hello.", ids.encode("Hello."))
    builder.extend(loaded)
    table = builder.table()
    place = table.places["Thank you."]
    assert table.text[place.first : place.first + 2].tolist() == ids.encode("Thank you.")
    assert builder.answers == {"Hello.", "Okay.", "Thank you."}


def test_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrackError, match="run 'duplex train tracks' first"):
        TrackTable.load(tmp_path / "tracks.npz")
