"""Which words are certain."""

from duplex.model.stages.agreement import LocalAgreement
from tests.duplex.model.stages.test_whisper_rules import CAT, COMMA, DOT, END, MAT, ON, SAT, T0, THE, TING, A
from tests.duplex.model.stages.whispers import VOCABULARY


def test_words_are_certain_when_two_transcripts_agree() -> None:
    clip = LocalAgreement()
    assert clip.update([T0, THE, CAT, SAT], False, VOCABULARY) == []
    assert clip.beginning == ()
    assert clip.update([T0, THE, CAT, ON, A], False, VOCABULARY) == [(THE,), (CAT,)]
    assert clip.beginning == (T0, THE, CAT)
    assert clip.update([T0, THE, CAT, ON, A, MAT], False, VOCABULARY) == [(ON,), (A,)]


def test_all_words_are_certain_at_a_pause() -> None:
    clip = LocalAgreement()
    assert clip.update([T0, THE, CAT, T0 + 50, END], True, VOCABULARY) == [(THE,), (CAT,)]
    assert clip.candidates == []


def test_signs_after_the_last_certain_word_may_still_change() -> None:
    clip = LocalAgreement()
    assert clip.update([T0, THE, CAT, DOT], True, VOCABULARY) == [(THE,), (CAT, DOT)]
    assert clip.beginning == (T0, THE, CAT)
    assert clip.update([T0, THE, CAT, COMMA, SAT], True, VOCABULARY)[-1] == (SAT,)


def test_signs_and_case_do_not_disturb_agreement() -> None:
    clip = LocalAgreement()
    clip.update([T0, THE, CAT, COMMA, SAT], False, VOCABULARY)
    assert clip.update([T0, THE, CAT, DOT, SAT], False, VOCABULARY) == [(THE,), (CAT, DOT), (SAT,)]


def test_a_word_that_grows_is_not_certain() -> None:
    clip = LocalAgreement()
    clip.update([T0, THE, SAT], False, VOCABULARY)
    assert clip.update([T0, THE, SAT, TING], False, VOCABULARY) == [(THE,)]


def test_nothing_heard_commits_nothing_and_forgets_candidates() -> None:
    clip = LocalAgreement()
    clip.update([T0, THE, CAT], False, VOCABULARY)
    assert clip.update([], False, VOCABULARY) == []
    assert clip.update([T0, THE, CAT], False, VOCABULARY) == []
    assert clip.update([], True, VOCABULARY) == []


def test_committed_words_never_change() -> None:
    clip = LocalAgreement()
    clip.update([T0, THE, CAT], True, VOCABULARY)
    before = list(clip.committed)
    clip.update([*clip.beginning, SAT, ON], False, VOCABULARY)
    clip.update([*clip.beginning, A, MAT], False, VOCABULARY)
    clip.update([*clip.beginning, A, CAT], True, VOCABULARY)
    assert clip.committed[:2] == before
    assert clip.committed[2:] == [(A,), (CAT,)]
