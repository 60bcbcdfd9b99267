"""Training starts: published weights arrive unchanged, new parts do not disturb them, errors are one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor
from transformers import AutoModelForCausalLM, WhisperModel

from configs.base import ConfigError
from configs.model.family import FamilyConfig
from configs.policy import policy
from duplex.model.families.checkpoint import load_tdm_model
from duplex.model.families.parts import CONFIG, CORE, FamilyMind
from duplex.model.families.training_start import STEPS, Start, start_drvoice, start_omnidrca
from duplex.model.interface import ConversationOptions
from duplex.model.layouts.tdm.core import Core, CoreInput
from duplex.model.layouts.tdm.tdm_generator import TdmGenerator
from duplex.model.layouts.tdm.tdm_model import TdmModel
from duplex.model.stages.encoder import SpeechEncoder
from duplex.model.weights.checkpoint_folder import fingerprint
from runtime.converse import converse
from tdm.layout import TdmLayout
from tests.duplex.model.families.published import (
    BYTES,
    CHAT,
    write_cosyvoice,
    write_hubert,
    write_llm,
    write_tokenizer,
    write_vocoder,
    write_whisper,
)
from tests.runtime.user_audio import QUESTION

TEXT = torch.tensor([[72, 101, 108, 108, 111, 258, 10]])


def work(steps: Iterator[str]) -> int:
    return len(list(steps))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sources")
    write_llm(folder / "llm")
    write_llm(folder / "srh", tied=True, hidden_size=16, num_hidden_layers=1)
    write_whisper(folder / "whisper")
    write_cosyvoice(folder / "cosyvoice")
    write_hubert(folder / "hubert")
    write_vocoder(folder / "vocoder")
    return folder


def start(sources: Path, out: Path, llm: str = "llm", srh: str = "srh", **values: object) -> Start:
    given = {"dtype": "float32", **values}
    return Start(str(sources / llm), str(sources / srh), out, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def drvoice(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("starts") / "mine"
    given = str(sources / "whisper"), str(sources / "cosyvoice")
    assert work(start_drvoice(start(sources, out), *given)) == STEPS
    return out


@pytest.fixture(scope="module")
def model(drvoice: Path) -> TdmModel:
    return load_tdm_model(drvoice)


def text_logits(core: Core, ids: Tensor) -> Tensor:
    """Logits [T, V] of a text in the place of a system prompt."""
    positions, mask = torch.arange(ids.shape[1])[None], torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).tril()
    return core.text_logits(core.llm.pack(core.llm.table(ids), positions, mask[None, None]))[0]


@pytest.mark.parametrize(("kind", "tied"), [("qwen2", False), ("qwen2", True), ("qwen3", True), ("llama", False)])
@torch.inference_mode()
def test_the_llm_gives_transformers_own_logits(sources: Path, tmp_path: Path, kind: str, tied: bool) -> None:
    given = write_llm(tmp_path / "llm", kind, tied=tied)
    work(start_drvoice(start(tmp_path, tmp_path / "out", srh=str(sources / "srh")), str(sources / "whisper"), None))
    config = FamilyConfig.from_yaml(tmp_path / "out" / CONFIG).mind.core
    core = Core(config)
    core.load_state_dict(load_file(tmp_path / "out" / CORE), strict=not tied)
    theirs = AutoModelForCausalLM.from_pretrained(given)(TEXT).logits[0]
    torch.testing.assert_close(text_logits(core.eval(), TEXT)[:, : BYTES + len(CHAT)], theirs, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_fresh_parts_do_not_disturb_the_llm(model: TdmModel) -> None:
    """With no sound on either side, the slots of an answer are read like a text, at the same positions."""
    core, layout = model.mind.core, TdmLayout(model.mind.config.schedule, 0)
    length = TEXT.shape[1]
    silent = model.voice.head.silent.expand(1, length, -1, -1)
    nothing = torch.zeros(1, length, dtype=torch.long)
    slots = CoreInput(torch.zeros(1, length, 10, 16), torch.zeros(1, length, 0).long(), TEXT, silent, nothing, nothing)
    elements = core.elements(slots)
    assert torch.equal(elements[0, :, 1], core.llm.table(TEXT)[0])
    assert not elements[0, :, 0].any()
    assert core.pack(torch.zeros(1, 0, dtype=torch.long), slots, layout).hidden.isfinite().all()


@torch.inference_mode()
def test_a_loaded_start_gives_transformers_own_logits_too(model: TdmModel, sources: Path) -> None:
    theirs = AutoModelForCausalLM.from_pretrained(sources / "llm")(TEXT).logits[0]
    torch.testing.assert_close(text_logits(model.mind.core, TEXT)[:, :259], theirs, atol=1e-5, rtol=1e-5)


def test_special_tokens_are_added_with_the_mean_of_the_known_ones(model: TdmModel, sources: Path) -> None:
    mind = model.mind
    assert isinstance(mind, FamilyMind)
    assert mind.tokenizer.sil == BYTES + len(CHAT)
    theirs = AutoModelForCausalLM.from_pretrained(sources / "llm")
    for ours, table in (
        (mind.core.llm.table.weight, theirs.get_input_embeddings().weight),
        (mind.core.llm.lm.get_output_embeddings().weight, theirs.lm_head.weight),
    ):
        assert torch.equal(ours[:259], table)
        torch.testing.assert_close(ours[259], table.mean(0))


def test_rows_that_an_llm_has_in_reserve_are_used(sources: Path, tmp_path: Path) -> None:
    write_llm(tmp_path / "llm", vocab_size=300)
    work(start_drvoice(start(tmp_path, tmp_path / "out", srh=str(sources / "srh")), str(sources / "whisper"), None))
    assert FamilyConfig.from_yaml(tmp_path / "out" / CONFIG).mind.core.llm.vocab_size == 300
    table = load_file(tmp_path / "out" / CORE)["llm.lm.model.embed_tokens.weight"]
    torch.testing.assert_close(table[259], table[:259].mean(0))


@torch.inference_mode()
def test_the_encoder_computes_what_transformers_does_within_its_reach(model: TdmModel, sources: Path) -> None:
    """Whole clips are equal. A first slot is equal behind the convolutions, which see what was before the slot instead
    of zeros; from the second on ours sees the slots before it and not those behind it."""
    theirs = WhisperModel.from_pretrained(sources / "whisper").encoder.eval()
    encoder = model.ears.encoder
    assert isinstance(encoder, SpeechEncoder)
    clip = torch.randn(1, 128, 60, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(encoder.encoder(clip), theirs(clip).last_hidden_state, atol=1e-5, rtol=1e-5)
    pcm = torch.randn(1, 3200, generator=torch.Generator().manual_seed(1)) * 0.1
    features = encoder.step(pcm, encoder.init_state(1), torch.tensor([True]))
    x = encoder.encoder.subsample(encoder.mel.streaming(torch.nn.functional.pad(pcm, (720, 0))), padding=0)
    x = x + theirs.embed_positions.weight[:10]
    for layer in theirs.layers:
        out = layer(x, None)
        x = out[0] if isinstance(out, tuple) else out
    torch.testing.assert_close(features, theirs.layer_norm(x), atol=1e-5, rtol=1e-5)


def test_a_start_holds_a_conversation_and_the_same_one_again(model: TdmModel) -> None:
    options = ConversationOptions(seed=3, policy=policy("responsive"), temperature=1.0)
    one, two = (converse(TdmGenerator(model, 1), QUESTION, options, 1.0) for _ in range(2))
    assert len(one.rows) == 20
    assert [row.tokens for row in one.rows] == [row.tokens for row in two.rows]


def test_the_same_seed_gives_the_same_folder(drvoice: Path, sources: Path, tmp_path: Path) -> None:
    given = str(sources / "whisper"), str(sources / "cosyvoice")
    work(start_drvoice(start(sources, tmp_path / "mine"), *given))
    work(start_drvoice(start(sources, tmp_path / "other" / "mine", seed=1), *given))
    prints = [fingerprint(folder) for folder in (drvoice, tmp_path / "mine", tmp_path / "other" / "mine")]
    assert prints[0] == prints[1] != prints[2]


def test_bfloat16_halves_the_weights_and_runs(sources: Path, tmp_path: Path) -> None:
    given = str(sources / "whisper"), str(sources / "cosyvoice")
    work(start_drvoice(start(sources, tmp_path / "half", dtype="bfloat16"), *given))
    half = load_tdm_model(tmp_path / "half")
    assert {value.dtype for value in half.mind.core.parameters()} == {torch.bfloat16}
    talk = converse(TdmGenerator(half, 1), QUESTION[:16000], ConversationOptions(policy=policy("responsive")), 0.0)
    assert all(0 < row.p_speak < 1 for row in talk.rows)


def test_omnidrca_starts_and_runs(sources: Path, tmp_path: Path) -> None:
    hubert, vocoder = sources / "hubert", sources / "vocoder" / "vocoder.safetensors"
    out = tmp_path / "units"
    assert work(start_omnidrca(start(sources, out), str(hubert), hubert / "km.safetensors", vocoder, 2)) == STEPS
    model = load_tdm_model(out)
    talk = converse(TdmGenerator(model, 1), QUESTION, ConversationOptions(policy=policy("responsive")), 0.0)
    assert len(talk.rows) == 15
    assert model.voice.head.silent.shape == (5, 1)


def test_what_does_not_fit_is_one_line(sources: Path, tmp_path: Path) -> None:
    def fails(
        pattern: str, llm: str = "llm", srh: str = "srh", whisper: str = "whisper", voice: str | None = None
    ) -> None:
        out = tmp_path / f"out{len(list(tmp_path.iterdir()))}"
        detokenizer = str(sources / voice) if voice else None
        with pytest.raises(ConfigError, match=pattern) as error:
            work(start_drvoice(start(sources, out, llm, srh), str(sources / whisper), detokenizer))
        assert "\n" not in str(error.value)
        assert not (out / CONFIG).exists()

    fails("neither a folder nor owner/name", llm="absent")
    fails("a 'whisper' has more than one kind of rotary positions", llm="whisper")
    fails("is a 'hubert', not a causal LM", srh="hubert")
    fails("is a 'qwen2', not a Whisper", whisper="llm")
    fails("has no config.json", whisper="cosyvoice")
    fails("has neither flow.safetensors nor flow.pt|has no voices", voice="hubert")


def test_a_tokenizer_that_lacks_what_is_needed(sources: Path, tmp_path: Path) -> None:
    llm = write_llm(tmp_path / "llm")
    given = start(tmp_path, tmp_path / "out", srh=str(sources / "srh")), str(sources / "whisper"), None
    write_tokenizer(llm, ())
    with pytest.raises(ConfigError, match="has a token that ends a text"):
        work(start_drvoice(*given))
    (llm / "tokenizer.json").unlink()
    with pytest.raises(ConfigError, match="is not a tokenizer file"):
        work(start_drvoice(*given))


def test_a_truncated_shard_and_a_full_folder(sources: Path, tmp_path: Path) -> None:
    llm = write_llm(tmp_path / "llm")
    given = start(tmp_path, tmp_path / "out", srh=str(sources / "srh")), str(sources / "whisper"), None
    whole = (llm / "model.safetensors").read_bytes()
    (llm / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigError, match="the weights cannot be read"):
        work(start_drvoice(*given))
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="is not empty"):
        work(start_drvoice(*given))


def test_a_vocoder_of_other_units_is_refused(sources: Path, tmp_path: Path) -> None:
    hubert, vocoder = sources / "hubert", write_vocoder(tmp_path / "v", units=30)
    with pytest.raises(ConfigError, match="speaks 30 units"):
        work(start_omnidrca(start(sources, tmp_path / "o"), str(hubert), hubert / "km.safetensors", vocoder, 2))


def test_weights_of_another_shape_are_named(sources: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    work(start_drvoice(start(sources, out), str(sources / "whisper"), str(sources / "cosyvoice")))
    text = (out / CONFIG).read_text()
    (out / CONFIG).write_text(text.replace("intermediate_size: 48", "intermediate_size: 64", 1))
    with pytest.raises(
        ConfigError, match=r"core\.safetensors does not fit its configuration: llm\.lm\.model\.layers\.0"
    ):
        load_tdm_model(out)
    (out / CONFIG).write_text(text.replace("rms_norm_eps", "rms_norm_epsilon", 1))
    with pytest.raises(ConfigError, match="a 'qwen2' has no value 'rms_norm_epsilon'"):
        load_tdm_model(out)
    (out / CONFIG).write_text(text.replace("codebook: 64", "codebook: 65", 1))
    with pytest.raises(ConfigError, match=r"core\.assistant\.codes is 67, the head's codes 68"):
        load_tdm_model(out)


def test_a_start_without_its_voice_says_what_is_missing(sources: Path, tmp_path: Path) -> None:
    work(start_drvoice(start(sources, tmp_path / "mute"), str(sources / "whisper"), None))
    with pytest.raises(ConfigError, match="this checkpoint has no voice"):
        load_tdm_model(tmp_path / "mute")
