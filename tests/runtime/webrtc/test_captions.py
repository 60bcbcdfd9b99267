"""Messages leave with the audio they belong to; at a cut, what was not played is unheard."""

from dataclasses import replace

from configs.runtime.runtime import TranscriptConfig
from duplex.model.interface import Came, EndedCall, StartedCall
from runtime.session.log_records import LoggedUser, LoggedWord, SlotRow
from runtime.webrtc.captions import Captions
from runtime.webrtc.messages import (
    Cut,
    PlannedWords,
    ServerMessage,
    SlotMessage,
    ToolMessage,
    UserCaption,
    WordSounding,
)

EMPTY = SlotRow(
    slot=0,
    p_speak=0.1,
    state="MUTE",
    event="",
    text_id=0,
    answer_words=(),
    tokens=[],
    user=None,
    spoken=(),
    user_sha256="",
    assistant_sha256="",
    user_db=-60.0,
    assistant_db=-100.0,
    holes=(),
    flushed_ms=0.0,
    degraded=(),
    times_ms={"captured": 0.0, "queued": 0.1, "step": 0.2, "detokenized": 30.2, "sent": 31.0, "slack": 169.0},
    stage_ms={},
)


def speaking(slot: int, *words: LoggedWord, event: str = "", known: tuple[str, ...] = ()) -> SlotRow:
    return replace(EMPTY, slot=slot, state="SPEAK", event=event, spoken=words, answer_words=known)


def word(index: int, start: float, end: float, done: float = 1.0, answer: int = 0) -> LoggedWord:
    return LoggedWord(answer, index, f"w{index}", start, end, done)


def play(captions: Captions, packets: int, begun: int | None = None, drained: bool = False) -> list[ServerMessage]:
    out = captions.on_played((begun,) if begun is not None else (), False)
    for left in range(packets - 1, 0, -1):
        out += captions.on_played((), drained and left == 1)
    return out


def test_a_mute_slot_is_told_at_once() -> None:
    (message,) = Captions(TranscriptConfig()).on_delivered(EMPTY)
    assert isinstance(message, SlotMessage)
    assert (message.t, message.state, message.step_ms, message.slack_ms) == (0, "MUTE", 30.0, 169.0)


def test_the_users_words_are_told_before_their_slot() -> None:
    row = replace(EMPTY, user=LoggedUser(2, "hello", "Hello.", 0.2, 0.8))
    first, second = Captions(TranscriptConfig()).on_delivered(row)
    assert first == UserCaption(turn=2, text="Hello.", start_s=0.2, end_s=0.8)
    assert isinstance(second, SlotMessage)


def test_a_speaking_slot_is_told_when_its_audio_leaves() -> None:
    captions = Captions(TranscriptConfig())
    told = captions.on_delivered(speaking(4, word(0, 0, 90), word(1, 100, 200), event="start", known=("w0", "w1")))
    assert told == [PlannedWords(answer=0, first=0, words=("w0", "w1"))]
    assert captions.on_played((), False) == []
    out = play(captions, 10, begun=5)
    assert [type(message) for message in out] == [SlotMessage, WordSounding, WordSounding]
    assert [message.index for message in out if isinstance(message, WordSounding)] == [0, 1]


def test_a_word_over_two_slots_is_told_once() -> None:
    captions = Captions(TranscriptConfig())
    captions.on_delivered(speaking(0, word(0, 120, 200, 0.4), event="start", known=("w0",)))
    first = play(captions, 10, begun=1)
    captions.on_delivered(speaking(1, word(0, 0, 120, 1.0)))
    second = play(captions, 10, begun=2)
    assert [message.index for message in first + second if isinstance(message, WordSounding)] == [0]


def test_a_cut_counts_what_was_played_and_not_what_was_committed() -> None:
    captions = Captions(TranscriptConfig())
    captions.on_delivered(speaking(0, word(0, 0, 80), word(1, 100, 200), event="start", known=("w0", "w1", "w2")))
    play(captions, 6, begun=1)
    *slots, cut = captions.on_delivered(replace(EMPTY, slot=1, event="cut"))
    assert cut == Cut(answer=0, heard=1)
    assert [message.t for message in slots if isinstance(message, SlotMessage)] == [1]


def test_a_word_counts_as_heard_from_half_of_it() -> None:
    heard = []
    for packets in (7, 8):
        captions = Captions(TranscriptConfig())
        captions.on_delivered(speaking(0, word(0, 100, 200), event="start", known=("w0",)))
        play(captions, packets, begun=1)
        *_, cut = captions.on_delivered(replace(EMPTY, slot=1, event="cut"))
        assert isinstance(cut, Cut)
        heard.append(cut.heard)
    assert heard == [0, 1]


def test_a_cut_before_the_first_sound_leaves_nothing_heard() -> None:
    captions = Captions(TranscriptConfig())
    captions.on_delivered(speaking(0, word(0, 0, 200), event="start", known=("w0",)))
    play(captions, 10, begun=1)
    captions.on_delivered(replace(EMPTY, slot=1, event="end"))
    play(captions, 2, drained=True)
    captions.on_delivered(speaking(2, word(0, 0, 200, answer=1), event="start", known=("w0",)))
    *_, cut = captions.on_delivered(replace(EMPTY, slot=3, event="cut"))
    assert cut == Cut(answer=1, heard=0)


def test_the_end_of_an_answer_is_told_when_its_tail_has_left() -> None:
    captions = Captions(TranscriptConfig())
    captions.on_delivered(speaking(0, event="start"))
    play(captions, 10, begun=1)
    assert captions.on_delivered(replace(EMPTY, slot=1, event="end")) == []
    assert [m.event for m in play(captions, 3, drained=True) if isinstance(m, SlotMessage)] == ["end"]


def test_words_of_the_next_answer_are_counted_anew() -> None:
    captions = Captions(TranscriptConfig())
    first = captions.on_delivered(speaking(0, event="start", known=("a", "b")))
    more = captions.on_delivered(speaking(1, known=("c",)))
    captions.on_delivered(replace(EMPTY, slot=2, event="cut"))
    second = captions.on_delivered(speaking(5, event="start", known=("d",)))
    assert [(m.answer, m.first) for m in first + more + second if isinstance(m, PlannedWords)] == [
        (0, 0),
        (0, 2),
        (1, 0),
    ]


def test_calls_are_told_when_they_begin_and_when_they_end() -> None:
    captions = Captions(TranscriptConfig())

    def tell(came: Came) -> list[ServerMessage]:
        return [one for one in captions.on_delivered(replace(EMPTY, came=came)) if isinstance(one, ToolMessage)]

    time, dice = StartedCall("a", "time_in", '{"place": "Oslo"}'), StartedCall("b", "roll_dice", "{}")
    assert tell(Came("Let me look. ", started=(time, dice))) == [
        ToolMessage(call=0, name="time_in", arguments='{"place": "Oslo"}'),
        ToolMessage(call=1, name="roll_dice", arguments="{}"),
    ]
    assert tell(Came(ended=(EndedCall("b", "6"),))) == [
        ToolMessage(call=1, name="roll_dice", arguments="{}", result="6")
    ]
    again = StartedCall("a", "time_in", '{"place": "Rome"}')
    failed = EndedCall("a", '{"error": "no"}', failed=True)
    over = tell(Came(ended=(failed,)))
    assert over == [ToolMessage(call=0, name="time_in", arguments=time.arguments, result=failed.result, failed=True)]
    assert tell(Came(started=(again,), ended=(EndedCall("a", "12:00"),))) == [
        ToolMessage(call=2, name="time_in", arguments=again.arguments),
        ToolMessage(call=2, name="time_in", arguments=again.arguments, result="12:00"),
    ]
    assert tell(Came(ended=(EndedCall("nobody", "0"),))) == []
