"""Words by CTC: slot by slot equals the whole, words are reported once complete, rows are independent."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.base import ConfigError
from configs.model.ears import CtcConfig
from duplex.model.interface import UserWords
from duplex.model.stages.ctc_network import BLANK, LETTERS, CtcNetwork, load_ctc, save_ctc
from duplex.model.stages.ctc_words import CtcState, CtcWords
from duplex.model.stages.word_source import WordsInput, step

DIM, FRAMES = 12, 10
CONFIG = CtcConfig(width=16, inner=24, kernel=3, dilations=(1, 2))
SLOTS = 12


@pytest.fixture(scope="module")
def network() -> CtcNetwork:
    torch.manual_seed(0)
    return CtcNetwork(CONFIG, DIM, LETTERS).eval()


class Reader(CtcNetwork):
    """Reads the classes out of the features: frame 0, 2, ... hold the number of a piece."""

    def __init__(self, pieces: tuple[str, ...]) -> None:
        super().__init__(CONFIG, 1, pieces)

    def forward(self, features: Tensor, past: list[Tensor] | None = None) -> tuple[Tensor, list[Tensor]]:
        """One-hot classes; no past is needed."""
        classes = features[:, :: CONFIG.stride, 0].long()
        return torch.nn.functional.one_hot(classes, len(self.pieces) + 1).float(), past or []


class Spelling:
    """Slots written as text through the source: five signs a slot, '.' is not a piece, '_' the end of a word."""

    def __init__(self, rows: int = 1) -> None:
        self.source = CtcWords(Reader(tuple("abcdefgh_".replace("_", " "))), FRAMES)
        self.state = self.source.init_state(rows)
        self.slot = 0

    def say(self, *slots: str, speaking: bool = False) -> list[tuple[int, UserWords]]:
        """Words with the slot they became known with."""
        told = []
        for written in slots:
            (words,) = step(self.source, make_input([written], speaking), self.state, torch.ones(1).bool())
            told += [(self.slot, words)] if words is not None else []
            self.slot += 1
        return told


def make_input(rows: list[str], speaking: bool = False) -> WordsInput:
    classes = [[".abcdefgh_".index(sign) for sign in written] for written in rows]
    features = torch.tensor(classes, dtype=torch.float)[:, :, None].repeat_interleave(CONFIG.stride, 1)
    return WordsInput(torch.zeros(len(rows), 0), features, torch.full((len(rows),), speaking))


def _features(rows: int) -> Tensor:
    return torch.randn(rows, SLOTS * FRAMES, DIM, generator=torch.Generator().manual_seed(1))


def _stream(network: CtcNetwork, features: Tensor) -> Tensor:
    past, parts = network.rest(len(features)), []
    for slot in features.split(FRAMES, 1):
        logits, past = network(slot, past)
        parts.append(logits)
    return torch.cat(parts, 1)


def _run(source: CtcWords, features: Tensor, state: CtcState, active: Tensor) -> list[list[UserWords | None]]:
    silent = torch.zeros(len(features), dtype=torch.bool)
    return [
        step(source, WordsInput(torch.zeros(len(features), 0), slot, silent), state, active)
        for slot in features.split(FRAMES, 1)
    ]


def test_slot_by_slot_equals_the_whole(network: CtcNetwork) -> None:
    whole, _ = network(_features(2))
    assert whole.shape == (2, SLOTS * FRAMES // CONFIG.stride, len(LETTERS) + 1)
    torch.testing.assert_close(_stream(network, _features(2)), whole, rtol=1e-4, atol=1e-5)


def test_longer_input_changes_nothing_earlier(network: CtcNetwork) -> None:
    features = _features(1)
    short, _ = network(features[:, : 5 * FRAMES])
    whole, _ = network(features)
    torch.testing.assert_close(whole[:, : short.shape[1]], short, rtol=1e-4, atol=1e-5)


def test_a_word_is_told_with_the_slot_after_its_last_piece() -> None:
    told = Spelling().say("..a..", ".b_.c", "ab_..", ".....")
    assert [(slot, words.text) for slot, words in told] == [(2, "ab"), (3, "cab")]
    assert told[-1][1].caption == "ab cab"
    assert {words.turn for _, words in told} == {0}
    assert told[0][1].start_s == pytest.approx(2 * 0.04)
    assert told[0][1].end_s == pytest.approx(AUDIO.slot_seconds + 0.2)


def test_equal_pieces_in_a_row_are_one_and_a_gap_makes_them_two() -> None:
    told = Spelling().say("aab.b", "b_a__", ".....")
    assert [words.text for _, words in told] == ["abb a"]


def test_a_word_left_open_ends_in_silence() -> None:
    told = Spelling().say("..ab.", ".....", ".....", ".....", ".....")
    assert [(slot, words.text) for slot, words in told] == [(3, "ab")]


def test_a_turn_lasts_over_pauses_and_ends_after_an_answer_or_long_silence() -> None:
    talk = Spelling()
    first = talk.say("ab_..", *["....."] * 4, "c_...", ".....")
    assert [words.turn for _, words in first] == [0, 0]
    assert first[-1][1].caption == "ab c"
    talk.say(*["....."] * 3, speaking=True)
    second = talk.say("d_...", ".....")
    assert [(words.turn, words.caption) for _, words in second] == [(1, "d")]
    assert second[0][1].start_s == pytest.approx(10 * AUDIO.slot_seconds)
    talk.say(*["....."] * round(CONFIG.abandoned_s / AUDIO.slot_seconds))
    assert [words.turn for _, words in talk.say("e_...", ".....")] == [2]


def test_silence_has_no_words() -> None:
    assert Spelling().say(*["....."] * 30) == []


def test_rows_do_not_know_their_batch(network: CtcNetwork) -> None:
    source, features = CtcWords(network, FRAMES), _features(3)
    together = _run(source, features, source.init_state(3), torch.ones(3).bool())
    assert any(words is not None for slot in together for words in slot)
    for row in range(3):
        alone = _run(source, features[row : row + 1], source.init_state(1), torch.ones(1).bool())
        assert [slot[row] for slot in together] == [slot[0] for slot in alone]


def test_an_inactive_row_stays_and_gets_its_words_later() -> None:
    talk, wanted = Spelling(2), Spelling().say("ab_..", ".cd_.", ".....")
    got = []
    for written in ("ab_..", ".cd_.", "....."):
        x = make_input([".....", written])
        for active in (torch.tensor([True, False]), torch.tensor([True, True])):
            words = step(talk.source, x, talk.state, active)
            assert active[1] or words[1] is None
            got += [words[1]] if words[1] is not None else []
    assert got == [words for _, words in wanted]


def test_inactive_rows_keep_their_past(network: CtcNetwork) -> None:
    source, features = CtcWords(network, FRAMES), _features(2)
    state = source.init_state(2)
    _run(source, features[:, :FRAMES], state, torch.ones(2).bool())
    kept = [past[1].clone() for past in state.past]
    _run(source, features[:, FRAMES : 2 * FRAMES], state, torch.tensor([True, False]))
    assert all(torch.equal(past[1], old) for past, old in zip(state.past, kept, strict=True))
    assert [row.step for row in state.rows] == [10, 5]


def test_a_reset_row_is_a_fresh_row(network: CtcNetwork) -> None:
    source, features = CtcWords(network, FRAMES), _features(2)
    state, active = source.init_state(2), torch.ones(2).bool()
    fresh = [slot[1] for slot in _run(source, features, state, active)]
    kept = [past[0].clone() for past in state.past]
    state.reset(torch.tensor([False, True]))
    assert all(torch.equal(past[0], old) for past, old in zip(state.past, kept, strict=True))
    assert [slot[1] for slot in _run(source, features, state, active)] == fresh


def test_saved_ears_are_read_back(network: CtcNetwork, tmp_path: Path) -> None:
    save_ctc(network, tmp_path / "ctc.safetensors")
    back = load_ctc(CONFIG, DIM, tmp_path / "ctc.safetensors")
    assert back.pieces == LETTERS
    torch.testing.assert_close(back(_features(1))[0], network(_features(1))[0], rtol=0.1, atol=0.1)


def test_what_is_wrong_with_a_file_is_said_in_one_line(network: CtcNetwork, tmp_path: Path) -> None:
    path = tmp_path / "ctc.safetensors"
    with pytest.raises(ConfigError, match=r"cannot be read.*make it with 'duplex train ctc'"):
        load_ctc(CONFIG, DIM, path)
    path.write_bytes(b"no weights")
    with pytest.raises(ConfigError, match="holds no CTC ears"):
        load_ctc(CONFIG, DIM, path)
    save_ctc(network, path)
    with pytest.raises(ConfigError, match=r"does not fit words\.ctc"):
        load_ctc(CONFIG.model_copy(update={"width": 8}), DIM, path)


def test_the_blank_is_no_piece() -> None:
    assert BLANK == 0
    assert len(set(LETTERS)) == len(LETTERS)
