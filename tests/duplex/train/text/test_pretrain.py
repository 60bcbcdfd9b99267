"""Text pre-training: the full form equals the core's packed form; the model learns, resumes, and answers."""

import json
import random
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from configs.base import ConfigError
from configs.model.core import CoreConfig, LlmConfig
from configs.model.language import CorpusConfig, PretrainConfig
from configs.schedule import ScheduleConfig
from duplex.corpus.corpus import Corpus
from duplex.corpus.exchange import Dialogue, Exchange
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.text_assistant import TextAssistant
from duplex.model.stages.fusion import ABSENT
from duplex.model.text.tokenizer import TextTokenizer
from duplex.model.weights.checkpoint_folder import SHIPPED
from duplex.train.core.losses import IGNORE_INDEX
from duplex.train.text import pretrain
from duplex.train.text.packing import compute_hidden, pack
from duplex.train.text.slotted_text import SlotWriter, TextDialogue, TextSlot
from tdm.layout import TdmLayout

LLM = LlmConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2)
CONFIG = PretrainConfig(
    core=CoreConfig(llm=LLM),
    schedule=ScheduleConfig(window_slots=9),
    steps=6,
    elements=200,
    pool=4,
    longest=24,
    evaluate_every=6,
    evaluation_rows=2,
)
CORPUS = Corpus.build(CorpusConfig())
VOCABULARY = SHIPPED / CONFIG.vocabulary
TOKENIZER = TextTokenizer.from_file(VOCABULARY / "tokenizer.json")
PROMPT = "your name is ada."


@pytest.fixture
def core() -> Core:
    torch.manual_seed(0)
    core = Core(CONFIG.core).eval()
    for parameter in core.readout.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return core


def dialogues(count: int, holds: float = 0.3) -> list[TextDialogue]:
    config = CONFIG.model_copy(update={"holds": holds})
    writer = SlotWriter(config, TOKENIZER, lambda words, rng: words)
    rng = random.Random(0)
    return [writer.write(dialogue, rng) for dialogue in CORPUS.dialogues(rng, count)]


def test_full_form_is_the_core_packed(core: Core) -> None:
    for dialogue in dialogues(4):
        batch = pack([dialogue], 4, full=True, first_slot=7)
        layout = TdmLayout(CONFIG.schedule, len(dialogue.prefix))
        with torch.no_grad():
            expected = core.pack(batch.prefix, batch.slots, layout, 7).hidden
            torch.testing.assert_close(compute_hidden(core, batch, 9), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("full", [True, False])
def test_rows_do_not_know_each_other(core: Core, full: bool) -> None:
    rows = dialogues(5)
    together = pack(rows, 4, full)
    with torch.no_grad():
        hidden = compute_hidden(core, together, 9)
        for index, row in enumerate(rows):
            alone = compute_hidden(core, pack([row], 4, full), 9)[0]
            taught = together.target[index, : len(row.slots)] != IGNORE_INDEX
            torch.testing.assert_close(hidden[index, : len(row.slots)][taught], alone[taught], rtol=1e-4, atol=1e-5)


def test_short_form_keeps_words_tokens_and_targets() -> None:
    rows = dialogues(5)
    full, short = pack(rows, 4, full=True), pack(rows, 4, full=False)
    assert torch.equal(full.target, short.target)
    assert short.kept.shape[1] < 0.8 * full.kept.shape[1]


def test_slots_hold_the_exchange() -> None:
    writer = SlotWriter(CONFIG, TOKENIZER, lambda words, rng: words)
    exchange = Exchange("what is the capital of France", "The capital of France is Paris.", "capital", "Paris")
    slots = writer.write(Dialogue(PROMPT, (exchange,)), random.Random(1)).slots
    heard = [index for slot in slots for index in slot.words if index != ABSENT]
    assert TOKENIZER.decode(heard) == exchange.heard
    assert TOKENIZER.decode([slot.text for slot in slots]) == exchange.assistant.lower()
    spoken = [slot for slot in slots if slot.state]
    assert [slot.since for slot in spoken] == list(range(len(spoken)))
    last_heard = max(number for number, slot in enumerate(slots) if slot.words)
    assert all(
        slot.target == spoken[0].text for slot in slots[last_heard:] if not slot.state and slot.target != IGNORE_INDEX
    )
    assert slots[last_heard].target == spoken[0].text
    said = [slot for slot in spoken if slot.text not in (TOKENIZER.hold, TOKENIZER.eos)]
    assert said[-1].target == TOKENIZER.eos


def test_words_arrive_as_they_do_live() -> None:
    as_live = {"one_word": 0.0, "one_word_left": 0.0, "as_live": 1.0, "lead": 3}
    config = CONFIG.model_copy(update={**as_live, "batches": (0.0, 1.0), "between": (0.0, 1.0)})
    heard = TextDialogue([])
    SlotWriter(config, TOKENIZER, lambda words, rng: words).hear(heard, [1, 2, 3, 4, 5], random.Random(0))
    words = [slot.words for slot in heard.slots]
    lead = words.index([1, 2])
    assert lead <= config.lead
    assert words == [[]] * lead + [[1, 2], [], [3, 4], [], [5]]


def test_what_was_misheard_already_gets_no_more_errors() -> None:
    said = Exchange("what is the capital of friends", "Paris.", "capital", "Paris", misheard=True)
    config = CONFIG.model_copy(update={"misheard": 1.0, "copies": (0.0, 0.0), "elements": 100})
    source = pretrain.DialogueSource(config, CORPUS, TOKENIZER, lambda words, rng: ["never"], [said])
    batch = next(source.batches(0))
    for row in batch.slots.words:
        assert TOKENIZER.decode(row[row != ABSENT].tolist()) == said.user


def test_assistant_answers_as_the_packed_form_predicts(core: Core) -> None:
    question = "what is the capital of france please"
    assistant = TextAssistant(core, TOKENIZER, ScheduleConfig(window_slots=30), longest=5)
    answer, other = assistant.answer(PROMPT, [question, "hello"])
    assert assistant.answer(PROMPT, [question]) == [answer]
    assert assistant.answer(PROMPT, ["hello"]) == [other]
    ids = TOKENIZER.encode(question)
    row = TextDialogue(TOKENIZER.encode(PROMPT))
    for place in range(0, len(ids), 4):
        row.slots.append(TextSlot(ids[place : place + 4], TOKENIZER.sil, 0, place // 4))
    with torch.no_grad():
        hidden = compute_hidden(core, pack([row], 4, full=True), 30)[0, -1]
        first = int(core.text_logits(hidden).argmax())
    assert answer.startswith(TOKENIZER.piece(first))


def test_training_learns_goes_on_and_reports(tmp_path: Path) -> None:
    pretrain.run(CONFIG, tmp_path, VOCABULARY)
    report = json.loads((tmp_path / pretrain.REPORT).read_text())
    assert report["step"] == CONFIG.steps
    assert report["clean"]["heldout_frame"]["right_n"] == CONFIG.evaluation_rows
    longer = CONFIG.model_copy(update={"steps": 8})
    pretrain.run(longer, tmp_path, VOCABULARY)
    assert json.loads((tmp_path / pretrain.REPORT).read_text())["step"] == 8
    assert (tmp_path / pretrain.CORE).exists()


def test_training_starts_from_given_weights(tmp_path: Path) -> None:
    pretrain.run(CONFIG, tmp_path / "first", VOCABULARY)
    weights = tmp_path / "first" / pretrain.CORE
    still = CONFIG.model_copy(update={"steps": 1, "evaluate_every": 1, "peak_rate": 0.0})
    pretrain.run(still, tmp_path / "second", VOCABULARY, start=weights)
    first, second = load_file(weights), load_file(tmp_path / "second" / pretrain.CORE)
    assert all(torch.equal(first[name], second[name]) for name in first)
    with pytest.raises(ConfigError, match="no weights to start from"):
        pretrain.run(still, tmp_path / "third", VOCABULARY, start=tmp_path / "none.safetensors")
