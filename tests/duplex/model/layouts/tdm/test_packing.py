"""mini as it runs: packed, and every conversation the same to the last bit whoever shares its steps."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from numpy.typing import NDArray
from torch import nn

from configs.audio import AUDIO
from duplex.model.families.checkpoint import load_tdm_model
from duplex.model.interface import ConversationOptions, SlotResult
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.stages.packed_linear import PackedLinear, has_equal_rows, is_supported
from duplex.model.stages.word_source import WordSource, WordsRequest, WordsResult
from runtime.audio_file import load_audio
from runtime.cli.bench.command import QUESTIONS
from runtime.converse import converse_slots
from runtime.pcm import to_int16
from runtime.replay import LoggedConversation, compare, load_logged
from runtime.replay import replay as replay_log
from runtime.session.log_records import WORDS_LATE, SlotRow
from runtime.session.slot_log import LOG_FILE
from tdm.slots import State

SLOTS = 45
SLOT = AUDIO.slot_input_samples

pytestmark = pytest.mark.skipif(not is_supported(), reason="torch has no FBGEMM on this CPU")


@pytest.fixture(scope="module")
def model() -> TdmModel:
    return load_tdm_model("mini")


@pytest.fixture(scope="module")
def slots() -> NDArray[np.float32]:
    """[n, 3200] three questions with pauses."""
    samples = load_audio(QUESTIONS).samples
    return samples[: len(samples) // SLOT * SLOT].reshape(-1, SLOT)


@pytest.fixture(scope="module")
def alone(model: TdmModel, slots: NDArray[np.float32]) -> list[SlotResult]:
    """A conversation that shares its steps with nobody."""
    generator = TdmGenerator(model, rows=1, beside=False)
    generator.open(0, ConversationOptions(seed=3))
    results = [generator.step(slot[None], np.array([True]))[0] for slot in slots[:SLOTS]]
    return [result for result in results if result is not None]


def parts(model: TdmModel) -> Iterator[nn.Module]:
    for part in (model.ears.encoder, model.mind.core, model.voice.head, model.voice.detokenizer):
        assert isinstance(part, nn.Module)
        yield part


def test_every_linear_layer_is_packed(model: TdmModel) -> None:
    layers = [layer for part in parts(model) for layer in part.modules()]
    assert sum(isinstance(layer, PackedLinear) for layer in layers) > 90
    assert not any(isinstance(layer, nn.Linear | nn.Conv1d) for layer in layers)


def test_the_conversation_has_an_answer(alone: list[SlotResult]) -> None:
    assert len(alone) == SLOTS
    assert sum(result.state is State.SPEAK for result in alone) > 8


@pytest.mark.skipif(not has_equal_rows(), reason="the products of this CPU depend on the number of rows")
@pytest.mark.parametrize("row", [0, 2])
def test_a_conversation_does_not_depend_on_those_that_share_its_steps(
    model: TdmModel, slots: NDArray[np.float32], alone: list[SlotResult], row: int
) -> None:
    assert model.mind.config.rows_per_step == 4
    generator = TdmGenerator(model, rows=4, beside=False)
    for other in range(4):
        generator.open(other, ConversationOptions(seed=3 if other == row else 10 + other, temperature=0.0))
    for slot in range(SLOTS):
        pcm = np.stack([slots[(slot + 11 * (other - row)) % len(slots)] for other in range(4)])
        active = np.array([other == row or (slot + other) % 7 != 0 for other in range(4)])
        result = generator.step(pcm, active)[row]
        assert result is not None
        expected = alone[slot]
        assert (result.p_speak, result.state, result.text_id) == (expected.p_speak, expected.state, expected.text_id)
        assert result.user == expected.user
        np.testing.assert_array_equal(result.tokens, expected.tokens)
        np.testing.assert_array_equal(result.pcm, expected.pcm)


class Gated:
    """The words of another source, which are ready only while the gate is open."""

    def __init__(self, source: WordSource) -> None:
        self._source, self.gate = source, Event()
        self.delay_ms = source.delay_ms
        self.init_state, self.prepare = source.init_state, source.prepare
        self.deliver, self.expected = source.deliver, source.expected

    def run(self, request: WordsRequest) -> WordsResult:
        self.gate.wait()
        return self._source.run(request)


def test_late_words_are_logged_and_a_replay_repeats_them(
    model: TdmModel, slots: NDArray[np.float32], tmp_path: Path
) -> None:
    assert isinstance(model.ears, EmbeddedEars)
    words = Gated(model.ears.words)
    live = TdmGenerator(replace(model, ears=replace(model.ears, words=words)), rows=1)
    live.be_punctual(0.0)

    def finish(row: SlotRow) -> None:
        """Two slots of three, what is being recognised ends between two steps."""
        if row.slot % 3:
            words.gate.set()
            assert live._worker is not None
            live._worker.submit(int).result()
            words.gate.clear()

    user = [to_int16(slot) for slot in slots[:SLOTS]]
    talk = converse_slots(live, user, ConversationOptions(seed=3), folder=tmp_path, model="mini", on_slot=finish)
    words.gate.set()
    live.close()
    late = [row.slot for row in talk.rows if WORDS_LATE in row.degraded]
    assert late
    assert sum(row.user is not None for row in talk.rows) > 2
    logged = load_logged(tmp_path / LOG_FILE)
    again = replay_log(logged, TdmGenerator(model, rows=1, beside=False))
    assert compare(logged.rows, again.rows).equal
    assert [row.slot for row in again.rows if WORDS_LATE in row.degraded] == late
    unheld = replay_log(
        LoggedConversation(replace(logged.log, rows=without_flags(logged.rows)), logged.user),
        TdmGenerator(model, rows=1, beside=False),
    )
    assert not compare(logged.rows, unheld.rows).equal, "without the flags it is another conversation"


def without_flags(rows: Sequence[SlotRow]) -> tuple[SlotRow, ...]:
    return tuple(replace(row, degraded=()) for row in rows)
