"""The head as a stage: rows are independent, silence is silence, a cut starts clean, draws are seeded."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from duplex.model.stages.srh import PointerRefinedHead, SrhInput, SrhOutput, SrhState
from duplex.model.text.phonemes import UNITS
from tests.duplex.model.stages.voices import small_voice

SENTENCE = [["the"], ["cat"], ["sat"], ["."], [], [], [], [], [], []]
OTHER = [["hello"], ["the"], ["strawberries"], [], ["sat"], ["!"], [], [], [], []]
END_SLOT = 6


@pytest.fixture(scope="module")
def head() -> PointerRefinedHead:
    return small_voice().head


def _bools(*values: bool) -> Tensor:
    return torch.tensor(values)


def _step(
    head: PointerRefinedHead,
    state: SrhState,
    words: Sequence[Sequence[str]],
    slot: int,
    speaking: Tensor | None = None,
    active: Tensor | None = None,
    **extra: object,
) -> SrhOutput:
    every = torch.ones(len(words), dtype=torch.bool)
    given = SrhInput(words, every & (slot >= END_SLOT), every if speaking is None else speaking, **extra)  # type: ignore[arg-type]
    return head.step(given, state, every if active is None else active)


def _alone(head: PointerRefinedHead, sentence: list[list[str]]) -> list[SrhOutput]:
    state = head.init_state(1)
    return [_step(head, state, [words], slot) for slot, words in enumerate(sentence)]


def test_shapes_and_range(head: PointerRefinedHead) -> None:
    for out in _alone(head, SENTENCE):
        assert out.tokens.shape == (1, 5, 15)
        assert out.tokens.dtype is torch.int8
        assert int(out.tokens.abs().max()) <= 2
    assert bool(out.exhausted[0])
    assert int(out.queued[0]) == 0


def test_every_word_is_told_once_as_done(head: PointerRefinedHead) -> None:
    parts = [part for out in _alone(head, SENTENCE) for part in out.spoken[0]]
    assert [part.item for part in parts if part.done == 1.0] == [0, 1, 2]
    assert all(0 <= part.start_ms < part.end_ms <= 200 for part in parts)


def test_later_text_changes_no_earlier_token(head: PointerRefinedHead) -> None:
    longer = [*SENTENCE[:4], ["hello"], ["strawberries"], *SENTENCE[6:]]
    for out, other in zip(_alone(head, SENTENCE)[:4], _alone(head, longer)[:4], strict=True):
        assert torch.equal(out.tokens, other.tokens)


def test_rows_are_independent_of_their_batch(head: PointerRefinedHead) -> None:
    alone = [_alone(head, SENTENCE), _alone(head, OTHER)]
    state = head.init_state(2)
    for slot, words in enumerate(zip(SENTENCE, OTHER, strict=True)):
        out = _step(head, state, words, slot)
        for row in range(2):
            assert torch.equal(out.tokens[row], alone[row][slot].tokens[0])
            assert out.spoken[row] == alone[row][slot].spoken[0]


def test_inactive_row_stays_as_it_is(head: PointerRefinedHead) -> None:
    expected = _alone(head, OTHER)
    state = head.init_state(2)
    turn = 0
    for slot in range(2 * len(OTHER)):
        second = slot % 2 == 1
        words = [SENTENCE[min(slot, 9)], OTHER[turn] if second else ["cat"]]
        out = _step(head, state, words, turn, active=_bools(True, second))
        if second:
            assert torch.equal(out.tokens[1], expected[turn].tokens[0])
            turn += 1
        else:
            assert torch.equal(out.tokens[1], head.silence.to(torch.int8).expand(5, -1))


def test_reset_row_is_a_fresh_one(head: PointerRefinedHead) -> None:
    expected = _alone(head, SENTENCE)
    state = head.init_state(2)
    for slot in range(3):
        _step(head, state, [OTHER[slot], OTHER[slot]], slot)
    state.reset(_bools(False, True))
    others = _alone(head, OTHER)
    for slot, words in enumerate(SENTENCE[:7]):
        out = _step(head, state, [OTHER[slot + 3], words], slot)
        assert torch.equal(out.tokens[1], expected[slot].tokens[0])
    assert not torch.equal(out.tokens[0], others[6].tokens[0])


def test_cut_drops_the_queue_and_the_next_answer_starts_clean(head: PointerRefinedHead) -> None:
    state = head.init_state(1)
    for slot in range(3):
        _step(head, state, [OTHER[slot]], slot)
    cut = _step(head, state, [["cat"]], 3, speaking=_bools(False))
    assert torch.equal(cut.tokens[0], head.silence.to(torch.int8).expand(5, -1))
    assert int(cut.queued[0]) == 0
    assert cut.spoken == ((),)
    for slot, expected in enumerate(_alone(head, SENTENCE)):
        assert torch.equal(_step(head, state, [SENTENCE[slot]], slot).tokens, expected.tokens)


def test_silence_until_enough_is_known(head: PointerRefinedHead) -> None:
    state = head.init_state(1)
    out = _step(head, state, [["the"]], 0)
    assert torch.equal(out.tokens[0], head.silence.to(torch.int8).expand(5, -1))
    assert int(out.queued[0]) == 3


def test_an_article_or_letter_waits_for_what_follows(head: PointerRefinedHead) -> None:
    def sound(words: list[list[str]]) -> str:
        state = head.init_state(1)
        for slot, word in enumerate(words):
            _step(head, state, [word], slot)
        return "".join(UNITS[unit] for unit in state.pointers[0].units if len(UNITS[unit]) == 1)

    assert sound([["hello"], ["a"]]) == "həlO"
    assert sound([["hello"], ["a"], ["cat"]]) == "həlO ɐ kæt"
    assert sound([["hello"], ["a"], ["."]]) == "həlO A."
    assert sound([["hello"], ["a"], [], [], [], [], []]) == "həlO A"


def test_signs_without_sound_are_passed_over(head: PointerRefinedHead) -> None:
    state = head.init_state(1)
    for slot, word in enumerate([["hello"], [":"], ["cat"]]):
        _step(head, state, [word], slot)
    assert state.pointers[0].items == 3
    assert "".join(UNITS[unit] for unit in state.pointers[0].units if len(UNITS[unit]) == 1) == "həlO kæt"


def test_hidden_vector_of_zeros_is_none(head: PointerRefinedHead) -> None:
    states = head.init_state(1), head.init_state(1)
    for slot, words in enumerate(SENTENCE):
        none = _step(head, states[0], [words], slot)
        zeros = _step(head, states[1], [words], slot, hidden=torch.zeros(1, head.config.hidden))
        assert torch.equal(none.tokens, zeros.tokens)


def test_untrained_projection_ignores_the_hidden_vector(head: PointerRefinedHead) -> None:
    states = head.init_state(1), head.init_state(1)
    for slot, words in enumerate(SENTENCE):
        none = _step(head, states[0], [words], slot)
        ones = _step(head, states[1], [words], slot, hidden=torch.ones(1, head.config.hidden))
        assert torch.equal(none.tokens, ones.tokens)


def test_draws_depend_on_the_rows_seed_alone(head: PointerRefinedHead) -> None:
    def draw(seeds: list[int]) -> list[Tensor]:
        state = head.init_state(len(seeds))
        return [
            _step(
                head, state, [words] * len(seeds), slot, temperature=1.0, seeds=[seed + slot for seed in seeds]
            ).tokens
            for slot, words in enumerate(SENTENCE)
        ]

    alone, together = draw([7]), draw([3, 7])
    assert all(torch.equal(one[0], two[1]) for one, two in zip(alone, together, strict=True))
    assert any(not torch.equal(two[0], two[1]) for two in together)
