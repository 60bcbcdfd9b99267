"""Turns of the user: when they begin and end and are decoded; every row is a conversation of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest
import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.model.ears import DecodingConfig, TranscriberConfig
from duplex.model.interface import Recognition, UserWords
from duplex.model.stages.transcriber import Request, Transcriber, TranscriberState
from duplex.model.stages.whisper_decoding import DecodingResult, Whisper
from duplex.model.stages.word_source import WordsInput, step
from duplex.model.stages.words_beside import WordsBeside
from duplex.model.text.whisper_vocabulary import WhisperVocabulary
from tests.duplex.model.stages.pieces import CAT, MAT, ON, SAT, T0, THE, VOCABULARY, A

SLOT = AUDIO.slot_input_samples
CONFIG = TranscriberConfig()
SENTENCE = [THE, CAT, SAT, ON, A, MAT]
VOICE, SILENCE = "v", "."
SAID = "the cat sat on a mat"
NO_FEATURES = torch.zeros(1, 10, 0)


class FakeWhisper(Whisper):
    """Hears one word of the sentence in every voiced slot of a clip; keeps what it was asked."""

    def __init__(
        self,
        logprob: float = -0.1,
        vocabulary: WhisperVocabulary = VOCABULARY,
        sentence: Sequence[int] = SENTENCE,
    ) -> None:
        self.vocabulary, self.config, self._logprob = vocabulary, DecodingConfig(), logprob
        self._sentence = sentence
        self.asked: list[tuple[float, float, tuple[int, ...]]] = []

    def transcribe(self, pcm: Tensor, seconds: Sequence[float], beginning: Sequence[int] = ()) -> list[DecodingResult]:
        """A transcript of the one clip."""
        self.asked.append((pcm.shape[1] / AUDIO.input_rate, round(seconds[0], 3), tuple(beginning)))
        loud = sum(float(slot.abs().max()) > 0.01 for slot in pcm[0].split(SLOT))
        words = [self._sentence[place % len(self._sentence)] for place in range(loud)]
        written = tuple(
            [*beginning, *words[len(beginning) - 1 :]] if beginning else [self.vocabulary.first_time, *words]
        )
        return [DecodingResult(written, self._logprob, 0.0)]


@dataclass
class Talk:
    """Slots drawn as text through a transcriber: 'v' a voice, '.' silence; capitals while the assistant speaks."""

    whisper: FakeWhisper = field(default_factory=FakeWhisper)
    config: TranscriberConfig = CONFIG

    def __post_init__(self) -> None:
        self.source = Transcriber(self.config, self.whisper)
        self.state = self.source.init_state(1)
        self.slot = 0

    def say(self, drawn: str) -> list[tuple[int, UserWords]]:
        """Words with the slot they became known with."""
        told = []
        for sign in drawn:
            pcm = _voice() if sign in "vV" else torch.zeros(SLOT)
            x = WordsInput(pcm[None], NO_FEATURES, torch.tensor([sign in "V:"]))
            (words,) = step(self.source, x, self.state, torch.ones(1, dtype=torch.bool))
            if words is not None:
                told.append((self.slot, words))
            self.slot += 1
        return told


def _voice() -> Tensor:
    """A slot that the detector takes for a voice: a pulse train through two resonances."""
    time = torch.arange(SLOT) / AUDIO.input_rate
    parts = [torch.sin(2 * torch.pi * 120 * k * time) / (1 + ((120 * k - 600) / 300) ** 2) for k in range(1, 30)]
    return 0.2 * torch.stack(parts).sum(0)


def _text(told: list[tuple[int, UserWords]]) -> str:
    return " ".join(words.text for _, words in told)


def test_words_come_while_the_user_speaks_and_all_of_them_one_slot_after_the_pause() -> None:
    told = Talk().say("..vvvvv....")
    assert _text(told) == "the cat sat on a"
    last_voice = 6
    assert told[0][0] <= last_voice
    assert told[-1][0] <= last_voice + 2
    assert told[-1][1].turn == 0
    assert told[-1][1].caption == "the cat sat on a"
    assert told[0][1].start_s == pytest.approx(2 * AUDIO.slot_seconds)
    assert 7 * AUDIO.slot_seconds <= told[-1][1].end_s < 8 * AUDIO.slot_seconds


def test_words_that_are_not_certain_are_expected() -> None:
    talk = Talk()
    assert talk.source.expected(talk.state, 0) == ""
    told, likely = [], []
    for sign in "..vvvvvv....":
        told += [words.caption for _, words in talk.say(sign)]
        likely.append(talk.source.expected(talk.state, 0))
    assert told == ["the cat", "the cat sat on", "the cat sat on a mat"]
    assert [caption for caption in dict.fromkeys(likely) if caption] == ["the cat", "the cat sat on", SAID]
    assert likely[-1] == "", "at the pause all words are certain"


def test_words_are_read_behind_those_that_were_told_before() -> None:
    vocabulary = WhisperVocabulary(["Ġ7", "Ġ-", "Ġ3", "Ġkm"])
    told = Talk(FakeWhisper(vocabulary=vocabulary, sentence=[0, 1, 2, 3])).say("..vvvv....")
    assert len(told) > 1, "the words come in pieces"
    assert _text(told) == "seven minus three kilometers"
    assert told[-1][1].caption == "7 - 3 km"


def test_the_clip_begins_before_the_voice_and_goes_on_from_committed_words() -> None:
    talk = Talk()
    talk.say("...vvvvvv...")
    lengths, speech, beginnings = zip(*talk.whisper.asked, strict=True)
    assert lengths[0] >= 2 * AUDIO.slot_seconds + CONFIG.lead_s
    assert all(s <= n for s, n in zip(speech, lengths, strict=True))
    assert beginnings[0] == ()
    assert beginnings[-1][:3] == (T0, THE, CAT)


def test_silence_is_not_decoded() -> None:
    talk = Talk()
    assert talk.say("." * 30) == []
    assert talk.whisper.asked == []
    talk.say("vvv...")
    asked = len(talk.whisper.asked)
    talk.say("." * 15)
    assert len(talk.whisper.asked) == asked


def test_a_turn_goes_on_over_a_pause_while_the_assistant_is_mute() -> None:
    talk = Talk()
    first, second = talk.say("..vv......"), talk.say("vv....")
    assert {words.turn for _, words in first + second} == {0}
    assert second[-1][1].caption == "the cat sat on"
    assert second[-1][1].start_s == first[0][1].start_s


def test_a_turn_ends_when_the_assistant_answers() -> None:
    talk = Talk()
    first, second = talk.say("..vv...::::"), talk.say("VVV...")
    assert {words.turn for _, words in first} == {0}
    assert {words.turn for _, words in second} == {1}
    assert second[-1][1].caption == _text(second) == "the cat sat"
    assert second[0][1].start_s >= 10 * AUDIO.slot_seconds


def test_a_turn_ends_after_long_silence() -> None:
    silence = round(CONFIG.abandoned_s / AUDIO.slot_seconds) + 3
    talk = Talk()
    talk.say("..vv" + SILENCE * silence)
    assert {words.turn for _, words in talk.say("vv....")} == {1}


def test_noise_makes_no_words_and_no_turn() -> None:
    doubtful = FakeWhisper(logprob=-2.0)
    talk = Talk(doubtful)
    assert talk.say("..vvvv....::::") == []
    assert doubtful.asked
    doubtful._logprob = -0.1
    assert {words.turn for _, words in talk.say("vv...")} == {0}


def test_a_long_turn_gets_a_new_clip_at_a_pause_and_keeps_its_caption() -> None:
    voiced = round(CONFIG.restart_s / AUDIO.slot_seconds) + 2
    talk = Talk()
    talk.say("." + VOICE * voiced + "....")
    told = talk.say("vv....")
    assert talk.whisper.asked[-1][0] < CONFIG.restart_s / 2
    words = [VOCABULARY.text([SENTENCE[place % len(SENTENCE)]]).strip() for place in range(voiced)]
    assert told[-1][1].turn == 0
    assert told[-1][1].caption == " ".join([*words, "the", "cat"])


def test_a_clip_is_never_longer_than_the_limit() -> None:
    config = CONFIG.model_copy(update={"longest_s": 4.0})
    talk = Talk(config=config)
    told = talk.say("." + VOICE * 60 + "...")
    assert max(length for length, _, _ in talk.whisper.asked) <= 4.0
    assert len(_text(told).split()) == 60


def _two(talk: Talk) -> tuple[Transcriber, TranscriberState]:
    return talk.source, talk.source.init_state(2)


def test_rows_do_not_know_their_batch() -> None:
    alone = Talk().say("..vvv....")
    source, state = _two(Talk())
    together = []
    for slot, sign in enumerate("..vvv...."):
        pcm = torch.stack([_voice() if slot % 2 else torch.zeros(SLOT), _voice() if sign == "v" else torch.zeros(SLOT)])
        x = WordsInput(pcm, NO_FEATURES, torch.zeros(2, dtype=torch.bool))
        words = step(source, x, state, torch.ones(2, dtype=torch.bool))
        together += [(slot, words[1])] if words[1] is not None else []
    assert together == alone


def test_an_inactive_row_stays_and_gets_its_words_later() -> None:
    wanted = [words for _, words in Talk().say("..vvv....")]
    source, state = _two(Talk())
    got = []
    for sign in "..vvv....":
        pcm = torch.stack([torch.zeros(SLOT), _voice() if sign == "v" else torch.zeros(SLOT)])
        x = WordsInput(pcm, NO_FEATURES, torch.zeros(2, dtype=torch.bool))
        for active in (torch.tensor([True, False]), torch.tensor([True, True])):
            words = step(source, x, state, active)
            assert active[1] or words[1] is None
            got += [words[1]] if words[1] is not None else []
    assert got == wanted


def test_a_row_whose_words_are_late_asks_for_nothing_more_and_loses_nothing() -> None:
    talk = Talk()
    source, state = talk.source, talk.state
    active, mute = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.bool)
    told: list[UserWords | None] = []
    held: list[Request] = []
    asked, withheld = [], 0
    for slot, mark in enumerate("..vvvvvv......"):
        late = slot in (5, 6, 9)
        if not late:
            told += source.deliver(source.run(held), state, active)
            held = []
        pcm = _voice() if mark == VOICE else torch.zeros(SLOT)
        requests = source.prepare(WordsInput(pcm[None], NO_FEATURES, mute), state, active)
        assert not (held and requests), "one piece of work at a time"
        withheld += late and bool(held)
        held += requests
        asked += requests
    assert " ".join(words.text for words in told if words) == SAID
    assert len(asked) < 6
    assert withheld > 1


def test_what_is_under_way_for_a_reset_row_is_dropped() -> None:
    talk = Talk()
    talk.say("..vvv.")
    assert talk.state.request
    talk.state.reset(torch.tensor([True]))
    assert talk.say("......") == []
    assert talk.state.rows[0].slot == 6
    talk.slot = 0
    talk.state.reset(torch.tensor([True]))
    assert talk.say("..vvv....") == Talk().say("..vvv....")


@pytest.mark.parametrize("logprob", [-0.1, -9.0])
def test_the_same_clips_need_not_be_decoded_again(logprob: float) -> None:
    def listen(talk: Talk, known: Sequence[Recognition] = ()) -> tuple[list[UserWords | None], list[Recognition]]:
        heard: list[UserWords | None] = []
        kept: list[Recognition] = []
        words = WordsBeside(talk.source, 1, None)
        words.recall(0, known)
        for sign in "..vvvvv...vvv....":
            heard += words.collect(torch.ones(1, dtype=torch.bool))
            kept += list(words.recognitions.values())
            pcm = _voice() if sign == "v" else torch.zeros(SLOT)
            words.submit(WordsInput(pcm[None], NO_FEATURES, torch.zeros(1, dtype=torch.bool)), torch.ones(1) > 0)
        return heard, kept

    first = Talk(FakeWhisper(logprob))
    heard, kept = listen(first)
    again, other = Talk(FakeWhisper(logprob)), Talk(FakeWhisper(logprob))
    assert listen(again, kept) == (heard, kept)
    listen(other, kept[1:])
    asked = [len(talk.whisper.asked) for talk in (first, again, other)]
    assert asked == [len(kept), 0, 1]
    assert len(kept) > 3


def test_a_clip_is_known_again_by_its_audio_and_by_what_was_known_of_it() -> None:
    source = Talk().source
    work = Request(0, 1, torch.zeros(SLOT), 0.1, (), everything=False)
    others = [
        replace(work, pcm=torch.full((SLOT,), 1e-4)),
        replace(work, speech_s=0.2),
        replace(work, beginning=(1,)),
        replace(work, everything=True),
    ]
    assert len({source.digest(one) for one in (work, *others)}) == 5
    assert source.digest(replace(work, row=1, conversation=2)) == source.digest(work)
