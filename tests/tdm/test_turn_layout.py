"""Turns of a model that listens or answers."""

from configs.model.live_turns import LiveTurnsConfig
from configs.policy import PolicyConfig, Threshold
from tdm.slots import State
from tdm.turn_layout import Listening, TurnDecision, TurnLayout

CONFIG = LiveTurnsConfig(onset_ms=60, pre_roll_slots=2, least_voice_ms=160, drop_after_ms=1000, overlap_slots=6)
PLAIN = PolicyConfig(
    start=Threshold(probability=0.5, slots=1),
    start_late=Threshold(probability=0.5, slots=9),
    stop=Threshold(probability=0.5, slots=1),
    stop_at_once=0.0,
    guard_slots=0,
)
SILENT, VOICED = (0.0, 400.0), (200.0, 0.0)


def layout() -> TurnLayout:
    return TurnLayout(PLAIN, CONFIG)


def pass_slot(turns: TurnLayout, voice: tuple[float, float], p_speak: float) -> tuple[Listening, TurnDecision]:
    return turns.listen(*voice), turns.decide(p_speak)


def answer_turn() -> TurnLayout:
    """A turn of two slots, and the first slot of its answer decided."""
    turns = layout()
    pass_slot(turns, VOICED, 0.1)
    pass_slot(turns, VOICED, 0.1)
    _, decision = pass_slot(turns, SILENT, 0.9)
    assert decision == TurnDecision(State.SPEAK, onset=True, spoken=True)
    return turns


def test_a_turn_begins_with_voice_and_the_slots_before_it() -> None:
    turns = layout()
    for _ in range(3):
        assert pass_slot(turns, SILENT, 0.1)[0] == Listening()
    assert turns.listen(40.0, 0.0) == Listening(), "too little voice"
    turns.decide(0.1)
    assert pass_slot(turns, VOICED, 0.1)[0] == Listening(begins=True, slots=3)
    assert turns.pending
    assert pass_slot(turns, SILENT, 0.1)[0] == Listening(slots=1)


def test_the_first_slots_have_no_past() -> None:
    assert pass_slot(layout(), VOICED, 0.1)[0] == Listening(begins=True, slots=1)


def test_nobody_is_answered_who_said_nothing() -> None:
    turns = layout()
    assert pass_slot(turns, SILENT, 0.9)[1] == TurnDecision(State.MUTE)
    turns.listen(100.0, 100.0)
    assert turns.decide(0.9) == TurnDecision(State.MUTE), "100 ms of voice are no turn"
    assert pass_slot(turns, (100.0, 100.0), 0.9)[1].onset


def test_a_noise_is_forgotten() -> None:
    turns = layout()
    turns.listen(100.0, 100.0)
    turns.decide(0.1)
    for silence in (300.0, 500.0, 700.0, 900.0):
        assert turns.listen(0.0, silence) == Listening(slots=1)
        turns.decide(0.1)
    assert turns.listen(0.0, 1100.0) == Listening(drops=True)
    assert not turns.pending


def test_an_answer_that_sounded_is_cut_and_what_was_said_over_it_begins_the_next_turn() -> None:
    turns = answer_turn()
    assert pass_slot(turns, SILENT, 0.9)[0] == Listening()
    turns.on_sounded()
    assert pass_slot(turns, VOICED, 0.9) == (Listening(), TurnDecision(State.SPEAK))
    assert pass_slot(turns, VOICED, 0.1) == (Listening(), TurnDecision(State.MUTE, cut=True))
    assert pass_slot(turns, SILENT, 0.1)[0] == Listening(begins=True, slots=1 + 2 + 2)
    assert pass_slot(turns, SILENT, 0.9)[1].onset, "the voice over the answer counts"


def test_a_short_word_of_the_listener_is_no_turn_later() -> None:
    turns = answer_turn()
    turns.on_sounded()
    pass_slot(turns, VOICED, 0.9)
    for silence in (200.0, 600.0, 1000.0):
        pass_slot(turns, (0.0, silence), 0.9)
    turns.finish()
    assert pass_slot(turns, SILENT, 0.9)[1] == TurnDecision(State.MUTE, ended=True)
    assert pass_slot(turns, SILENT, 0.9) == (Listening(), TurnDecision(State.MUTE))


def test_an_answer_of_which_nothing_sounded_is_taken_back() -> None:
    turns = answer_turn()
    assert pass_slot(turns, VOICED, 0.9)[1] == TurnDecision(State.SPEAK)
    decision = pass_slot(turns, VOICED, 0.1)[1]
    assert decision == TurnDecision(State.MUTE, cut=True, resumes=2)
    assert pass_slot(turns, VOICED, 0.1)[0] == Listening(slots=1), "the turn goes on"
    assert pass_slot(turns, SILENT, 0.9)[1].onset


def test_slots_beyond_memory_are_lost() -> None:
    turns = answer_turn()
    turns.on_sounded()
    for _ in range(20):
        pass_slot(turns, VOICED, 0.9)
    pass_slot(turns, VOICED, 0.1)
    assert pass_slot(turns, VOICED, 0.1)[0] == Listening(begins=True, slots=CONFIG.remembered_slots)


def test_an_answer_without_words_is_no_answer() -> None:
    turns = answer_turn()
    turns.veto()
    assert turns.state is State.MUTE
    assert pass_slot(turns, SILENT, 0.9)[1] == TurnDecision(State.MUTE), "the turn was answered with nothing"


def test_a_written_turn_is_answered_at_once() -> None:
    turns = layout()
    turns.listen(*SILENT)
    assert turns.decide(0.1, typed=True) == TurnDecision(State.SPEAK, onset=True)
    turns.on_sounded()
    turns.listen(*SILENT)
    assert turns.decide(0.9, typed=True) == TurnDecision(State.MUTE, cut=True), "it stops the present answer first"
    turns.listen(*SILENT)
    assert turns.decide(0.1, typed=True).onset


def test_writing_ends_a_spoken_turn() -> None:
    turns = layout()
    pass_slot(turns, VOICED, 0.1)
    turns.listen(*VOICED)
    assert turns.decide(0.1, typed=True) == TurnDecision(State.SPEAK, onset=True, spoken=True)
    assert not turns.pending


def test_the_answer_to_a_written_turn_is_cut_and_not_taken_back() -> None:
    """There is no spoken turn that could continue."""
    turns = layout()
    turns.listen(*SILENT)
    turns.decide(0.1, typed=True)
    assert pass_slot(turns, VOICED, 0.1)[1] == TurnDecision(State.MUTE, cut=True)
    assert pass_slot(turns, VOICED, 0.1)[0].begins
