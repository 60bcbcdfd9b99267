"""The pointer walks over known units, waits when they run out, and reports which words were spoken."""

import pytest

from configs.model.voice import SrhConfig
from duplex.model.stages.pointer import DURATION_SCALARS, SCALARS, Pointer
from duplex.model.text.phonemes import BEFORE, END, SPACE, START, UNIT_IDS, UNITS, UNKNOWN, WAIT, Unit, parse
from duplex.model.text.sounding_word import SoundingWord

WORD_MS = 50.0


def _word(pointer: Pointer, sound: str) -> None:
    pointer.push(parse(sound), punctuation=False)


def _mark(pointer: Pointer, mark: str) -> None:
    pointer.push((Unit(mark),), punctuation=True)


def _slot(pointer: Pointer, unit_ms: float = WORD_MS) -> tuple[SoundingWord, ...]:
    """One slot in which every unit lasts `unit_ms`."""
    pointer.open_slot()
    for token in range(5):
        centre = pointer.slot_ms + 40 * token + 20
        while pointer.enter_next(centre):
            pointer.set_durations(unit_ms, unit_ms)
    return pointer.close_slot()


def _symbols(pointer: Pointer) -> list[str]:
    return [UNITS[unit] for unit in pointer.units]


@pytest.fixture
def pointer() -> Pointer:
    return Pointer(SrhConfig())


def test_units_get_start_spaces_and_end(pointer: Pointer) -> None:
    _word(pointer, "hˈI")
    _word(pointer, "ju")
    _mark(pointer, ".")
    pointer.close()
    assert _symbols(pointer) == [WAIT, START, "h", "I", SPACE, "j", "u", ".", END]


def test_waits_until_enough_is_known(pointer: Pointer) -> None:
    _word(pointer, "ðə")
    assert _slot(pointer) == ()
    assert pointer.cursor == 0
    assert pointer.queued == 3
    _word(pointer, "kˈæt")
    _slot(pointer)
    assert pointer.begun


def test_a_complete_phrase_or_the_end_is_enough(pointer: Pointer) -> None:
    _word(pointer, "nˈO")
    _mark(pointer, ",")
    _slot(pointer)
    assert pointer.begun
    other = Pointer(SrhConfig())
    _word(other, "nˈO")
    other.close()
    _slot(other)
    assert other.begun


def test_dry_queue_waits_and_resumes_at_a_slot(pointer: Pointer) -> None:
    _word(pointer, "həlˈOðɛɹ")
    _slot(pointer)
    _slot(pointer)
    _slot(pointer)
    assert (pointer.waiting, pointer.exhausted) == (True, False)
    _word(pointer, "həlˈOðɛɹ")
    assert UNITS[pointer.units[pointer.cursor]] == WAIT
    _slot(pointer)
    assert UNITS[pointer.units[pointer.cursor]] != WAIT
    assert _symbols(pointer).count(WAIT) == 2


def test_exhausted_when_the_text_is_over_and_spoken(pointer: Pointer) -> None:
    _word(pointer, "nˈO")
    pointer.close()
    _slot(pointer)
    assert UNITS[pointer.units[pointer.cursor]] == END
    _slot(pointer)
    assert pointer.exhausted
    assert pointer.queued == 0


def test_answer_without_words_is_exhausted_at_once(pointer: Pointer) -> None:
    pointer.close()
    _slot(pointer)
    assert pointer.exhausted
    assert not pointer.begun


def test_words_are_told_with_times_and_share(pointer: Pointer) -> None:
    _word(pointer, "hˈI")
    _word(pointer, "ju")
    pointer.close()
    first = _slot(pointer)
    second = _slot(pointer)
    assert first == (SoundingWord(0, 50.0, 150.0, 1.0),)
    assert second == (SoundingWord(1, 0.0, 100.0, 1.0),)


def test_word_across_slots_is_told_in_parts(pointer: Pointer) -> None:
    _word(pointer, "stɹˈIkɪŋ")
    pointer.close()
    first, second = _slot(pointer), _slot(pointer)
    assert first == (SoundingWord(0, 50.0, 200.0, 3 / 7),)
    assert second == (SoundingWord(0, 0.0, 200.0, 1.0),)


def test_punctuation_counts_as_item_but_makes_no_word(pointer: Pointer) -> None:
    _word(pointer, "nˈO")
    _mark(pointer, ",")
    _word(pointer, "ju")
    pointer.close()
    parts = [part.item for _ in range(3) for part in _slot(pointer)]
    assert parts == [0, 2]


def test_window_shows_past_and_known_future_only(pointer: Pointer) -> None:
    _word(pointer, "nˈO")
    pointer.close()
    _slot(pointer)
    units, stress = pointer.window()
    assert [UNITS[unit] for unit in units] == [START, "n", "O", END, *[UNKNOWN] * 5]
    assert stress == [0, 0, 1, 0, 0, 0, 0, 0, 0]


def test_window_of_a_fresh_pointer_is_empty(pointer: Pointer) -> None:
    units, _ = pointer.window()
    assert [UNITS[unit] for unit in units] == [BEFORE, BEFORE, BEFORE, WAIT, *[UNKNOWN] * 5]


def test_nothing_is_seen_behind_a_wait(pointer: Pointer) -> None:
    _word(pointer, "ðə")
    units, _ = pointer.window()
    assert units[SrhConfig().behind + 1 :] == [UNIT_IDS[UNKNOWN]] * SrhConfig().ahead


def test_numbers_have_their_length_and_are_bounded(pointer: Pointer) -> None:
    _word(pointer, "həlˈOðɛɹ")
    _mark(pointer, "?")
    for _ in range(4):
        pointer.open_slot()
        for token in range(5):
            centre = pointer.slot_ms + 40 * token + 20
            while pointer.enter_next(centre):
                assert len(pointer.duration_scalars(1.0)) == DURATION_SCALARS
                pointer.set_durations(WORD_MS, WORD_MS)
            scalars = pointer.scalars(centre, 1.0)
            assert len(scalars) == SCALARS
            assert all(0 <= value <= 3 for value in scalars)
        pointer.close_slot()
