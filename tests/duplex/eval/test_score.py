"""The scorer on dialogues with known latencies: within 5 ms in synthetic sound, 40 ms over recorded paths."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from configs.eval.evaluation import ClipConfig
from configs.eval.scoring import LabelsConfig, ScoringConfig
from duplex.eval import score as scoring
from duplex.eval.exchange.labels import Label, LabelKind, Side
from duplex.eval.exchange.sound import DialogueSound
from duplex.eval.measures.activity import AudibleSegment, speech_bounds
from duplex.eval.reports.page import page
from duplex.eval.reports.schema import Report
from duplex.eval.score import Score, score
from duplex.eval.score_report import events, figures, to_json, to_report
from tests.duplex.eval.dialogues import RATE, Samples, Span, channel, noisy, through_mu_law, through_opus

CONFIG = ScoringConfig()
DATA = Path(__file__).parents[4] / "shared" / "data"
SECONDS = 40.0
USER: list[Span] = [
    *((1.0, 3.0), (3.4, 5.0)),  # a hesitation; answered at once
    (12.0, 14.0),  # interrupts, and is answered early
    (18.0, 18.4),  # a backchannel
    (22.0, 24.0),  # talked through
    (29.0, 31.5),  # a question, answered late
    (36.0, 36.4),  # "stop"
]
ASSISTANT: list[Span] = [
    *((0.2, 0.8), (5.25, 12.3), (13.8, 16.0)),
    (16.3, 28.0),  # its own pause before
    (33.1, 36.25),
    (36.8, 38.0),
]
RESPONSES, STOPS = [0.25, -0.2, 1.6, 0.4], [0.3, 0.25]


def dialogue(path: Callable[[Samples], Samples] = lambda samples: samples) -> DialogueSound:
    """The dialogue above after both channels went through a path."""
    user, assistant = (path(channel(spans, SECONDS)) for spans in (USER, ASSISTANT))
    return DialogueSound(user.astype(np.float32), assistant.astype(np.float32), RATE, {"user": {"path": "talk.wav"}})


def score_sound(sound: DialogueSound, *labels: Label, config: ScoringConfig = CONFIG) -> Score:
    return score(sound, labels, config, silero=False)


def close(found: Sequence[float], expected: Sequence[float], limit_s: float) -> None:
    assert len(found) == len(expected), found
    np.testing.assert_allclose(found, expected, rtol=0, atol=limit_s)


def test_made_sound_within_5_ms() -> None:
    found = score_sound(dialogue())
    close(found.analysis.response_s, RESPONSES, 0.005)
    close(found.analysis.stop_s, STOPS, 0.005)
    kinds = [turn.kind for turn in found.analysis.turns]
    assert kinds == ["turn", "interrupt", "backchannel", "interrupt", "turn", "interrupt"]
    assert [turn.yielded for turn in found.analysis.turns] == [None, True, None, False, None, True]
    assert found.notes == ()


@pytest.mark.parametrize("noise_db", [45.0, 30.0, 20.0])
@pytest.mark.parametrize("line", [through_opus, through_mu_law], ids=["opus", "mu-law"])
def test_recorded_paths_within_40_ms(line: Callable[[Samples], Samples], noise_db: float) -> None:
    found = score_sound(dialogue(lambda samples: line(noisy(0.5 * samples, noise_db))))
    close(found.analysis.response_s, RESPONSES, 0.04)
    close(found.analysis.stop_s, STOPS, 0.04)


def label(kind: LabelKind, start: float, end: float, side: Side = "user") -> Label:
    return Label(side, kind, start, end)


def test_labels_say_what_the_turns_are() -> None:
    found = score_sound(
        dialogue(),
        label("turn", 1.0, 5.0),
        label("interrupt", 11.9, 14.1),
        label("backchannel", 18.0, 18.4),
        label("interrupt", 22.0, 24.0),
        label("turn", 29.0, 31.5),
        label("interrupt", 36.0, 36.4),
        label("noise", 26.0, 26.5),
        label("vocal_tic", 28.1, 28.3),
        label("pause", 3.0, 3.4),
    )
    close(found.analysis.response_s, [0.25, -0.3, 1.6, 0.4], 0.005)
    close(found.analysis.stop_s, [0.4, 6.0, 0.25], 0.005)
    assert [turn.yielded for turn in found.analysis.turns if turn.kind == "interrupt"] == [True, False, True]
    assert [(one.kind, one.right) for one in found.reactions] == [
        ("backchannel", True), ("noise", True), ("vocal_tic", True), ("pause", True),
    ]  # fmt: skip
    assert found.sources == {"turns": "labels", "user": "activity", "assistant": "activity"}


def test_edges_of_labels_can_go_to_those_of_the_sound() -> None:
    config = ScoringConfig(labels=LabelsConfig(snap_s=0.15))
    found = score_sound(dialogue(), label("turn", 1.1, 4.9), label("interrupt", 11.9, 14.1), config=config)
    close([found.analysis.turns[0].start, found.analysis.turns[0].end], [1.0, 5.0], 0.005)
    close(found.analysis.stop_s, [0.3], 0.005)


def test_sounds_labelled_as_no_turn_are_none() -> None:
    found = score_sound(dialogue(), label("noise", 28.9, 31.6), label("pause", 14.0, 18.0))
    assert [turn.start for turn in found.analysis.turns] == pytest.approx([1.0, 12.0, 22.0, 36.0], abs=0.005)
    assert found.analysis.turns[1].end == pytest.approx(18.4, abs=0.005)


def test_labelled_speech_stands_for_the_sound() -> None:
    found = score_sound(dialogue(), label("speech", 1.0, 5.0), label("speech", 6.0, 9.0, "assistant"))
    assert found.analysis.response_s == [1.0]
    assert found.sources == {"turns": "activity", "user": "labels", "assistant": "labels"}
    assert found.speech["assistant"] == (AudibleSegment(6.0, 9.0),)


def test_silero_is_a_second_column(monkeypatch: pytest.MonkeyPatch) -> None:
    columns = iter([(AudibleSegment(1.1, 5.1), AudibleSegment(40.0, 41.0)), (AudibleSegment(5.4, 12.4),)])
    monkeypatch.setattr(scoring, "silero_segments", lambda *_: next(columns))
    found = score(dialogue(), (), CONFIG, silero=True)
    assert found.silero is not None
    close(found.silero.response_s, [0.3], 1e-6)
    first, second, *_ = found.analysis.turns
    other = found.silero_turn(first)
    assert other is not None
    assert other.response == pytest.approx(0.3)
    assert found.silero_turn(second) is None
    values = to_json(found, figures(found, CONFIG), CONFIG, None)
    assert values["silero"]["response_s"] == [0.3]
    assert values["turns"][0]["silero"] == {"response_s": 0.3, "stop_s": None}
    assert values["turns"][1]["silero"] is None


def test_the_json_holds_all_that_was_found() -> None:
    found = score_sound(dialogue(), label("noise", 26.0, 26.5))
    values = to_json(found, figures(found, CONFIG), CONFIG, Path("l.jsonl"))
    assert values["schema"] == 1
    close(values["response_s"], RESPONSES, 0.005)
    close(values["stop_s"], STOPS, 0.005)
    assert (values["seconds"], values["silero"]) == (SECONDS, None)
    assert values["files"] == {"user": {"path": "talk.wav"}, "labels": "l.jsonl"}
    by_kind = {(one["side"], one["kind"]) for one in values["events"]}
    assert by_kind == {
        ("user", "speech"), ("user", "turn"), ("user", "interrupt"), ("user", "backchannel"), ("user", "noise"),
        ("assistant", "speech"),
    }  # fmt: skip
    assert [one["start"] for one in values["events"]] == sorted(one["start"] for one in values["events"])
    first = next(one for one in values["events"] if (one["side"], one["kind"]) == ("assistant", "speech"))
    assert (first["start"], first["end"]) == (pytest.approx(0.2, abs=0.003), pytest.approx(0.8, abs=0.003))
    assert len(values["speech"]["user"]) == len(USER)
    assert values["definitions"]["turns"]["user_gap_s"] == 0.6
    answers = next(one for one in values["figures"] if one["name"] == "answers")
    assert (answers["hits"], answers["n"], answers["share"]) == (4, 5, None)


def test_figures_count_turns_and_stops() -> None:
    found = score_sound(dialogue(), label("noise", 26.0, 26.5))
    by_name = {figure.name: figure.numbers for figure in figures(found, CONFIG)}
    assert by_name["response"]["n"] == 4
    assert by_name["response"]["p50"] == pytest.approx(0.325, abs=0.005)
    assert by_name["stop"]["mean"] == pytest.approx(0.275, abs=0.005)
    assert (by_name["yields"]["hits"], by_name["yields"]["n"]) == (2, 3)
    assert (by_name["answers before the user's end"]["hits"], by_name["ignores noise"]["hits"]) == (1, 1)
    assert by_name["starts within the user's turn, per turn"]["value"] == 0


def test_an_assistant_that_cuts_in_is_an_event() -> None:
    sides = [channel(spans, 10.0).astype(np.float32) for spans in ([(1.0, 6.0)], [(2.0, 2.4), (3.0, 8.0)])]
    found = score_sound(DialogueSound(*sides, RATE, {"user": {"path": "talk.wav"}}))
    cut_in = [(one["kind"], one["start"]) for one in events(found, CONFIG) if one["side"] == "assistant"]
    near = [(kind, pytest.approx(at, abs=0.003)) for kind, at in
            (("backchannel", 2.0), ("speech", 2.0), ("interrupt", 3.0), ("speech", 3.0))]  # fmt: skip
    assert sorted(cut_in, key=lambda one: (round(one[1], 1), one[0])) == near


def test_the_page_shows_the_timeline() -> None:
    found = score_sound(dialogue())
    of_all = figures(found, CONFIG)
    values = to_report(found, of_all, CONFIG)
    assert Report.model_validate(values).dialogues[0].id == "talk"
    text = page(values, of_all)
    for part in ("stop 0.30 s", "response -0.20 s", "interrupt"):
        assert part in text


def clips(kind: str, count: int) -> list[Samples]:
    """Real clips at 16 kHz, from the first to the last sample of their speech as the suites see it."""
    out = []
    for file in sorted((DATA / kind).glob("*.wav"))[:count]:
        samples, rate = soundfile.read(file)
        samples = soxr.resample(samples, rate, RATE)
        first, last = speech_bounds(samples, ClipConfig())
        out.append(samples[first:last])
    return out


def make_dialogue(
    asked: Sequence[Samples], answered: Sequence[Samples]
) -> tuple[Samples, Samples, list[float], list[float]]:
    """A dialogue of clips: user, assistant, responses, stops. Some answers are early, some interrupted."""
    user, assistant, responses, stops, at = np.zeros(0), np.zeros(0), [], [], 0.8
    for number, (question, answer) in enumerate(zip(asked, answered, strict=True)):
        responses.append(0.1 + 0.07 * number if number % 3 else -0.25)
        start = at + len(question) / RATE + responses[-1]
        at_next = start + len(answer) / RATE + 0.9
        if number % 4 == 2 and responses[-1] > 0:
            levels = np.convolve(np.square(answer), np.ones(320) / 320, "same")
            cut = round(0.8 * RATE) + int(np.argmax(levels[round(0.8 * RATE) : round(1.1 * RATE)]))
            answer, at_next = answer[:cut], start + 0.6
            stops.append(cut / RATE - 0.6)
        user, assistant, at = _with(user, question, at), _with(assistant, answer, start), at_next
    return _with(user, np.zeros(RATE), at), _with(assistant, np.zeros(RATE), at), responses, stops


PATHS: dict[str, Callable[[Samples], Samples]] = {
    "as it is": lambda samples: samples,
    "quiet": lambda samples: np.round(0.01 * samples / np.abs(samples).max() * 32767) / 32768,
    "opus, noise": lambda samples: through_opus(noisy(samples, 30.0)),
}


@pytest.mark.data
@pytest.mark.skipif(not DATA.is_dir(), reason="needs the folder of real audio beside the repository")
@pytest.mark.parametrize("path", PATHS)
def test_real_voices_within_40_ms(path: str) -> None:
    *sides, responses, stops = make_dialogue(clips("llama_questions", 24), clips("turn_phrases_vap", 24))
    heard = (PATHS[path](side).astype(np.float32) for side in sides)
    found = score_sound(DialogueSound(*heard, RATE, {"user": {"path": "talk.wav"}}))
    close(found.analysis.response_s, responses, 0.04)
    close(found.analysis.stop_s, stops, 0.04)


def _with(side: Samples, clip: Samples, at: float) -> Samples:
    first = round(at * RATE)
    return np.concatenate([side, np.zeros(first - len(side)), clip])
