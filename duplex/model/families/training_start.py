"""Training starts of the papers' families: published weights where they exist, fresh seeded weights elsewhere.

Fresh weights start so that they do not disturb the LLM: with nothing heard and nothing said, U_t and A_t are the text
embedding alone. `load_tdm_model` reads the folder. Nothing here depends on conversations.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeVar

import torch
from pydantic import ValidationError
from safetensors.torch import save_file
from tokenizers import Tokenizer
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.core import LlmConfig
from configs.model.cosyvoice import CosyVoiceConfig
from configs.model.ears import EncoderConfig
from configs.model.families import drvoice, omnidrca
from configs.model.family import ByteTextConfig, FamilyConfig, RefinedHeadConfig, SpeechCodesConfig, UnitEarsConfig
from configs.model.speech_tokens import HubertConfig
from duplex.io.whole_files import write_text
from duplex.model.families.autoregressive_srh import AutoregressiveRefinedHead
from duplex.model.families.byte_text import ByteTokenizer, add_special, read_tokenizer
from duplex.model.families.parts import CENTROIDS, CONFIG, CORE, EARS, HEAD, TIED, TOKENIZER, check
from duplex.model.families.published_weights import Weights, copy_hubert, fetch, read_llm, read_whisper
from duplex.model.layouts.tdm.core import Core
from duplex.model.stages.cosyvoice.checkpoint import convert, read_config
from duplex.model.stages.hubert_units import CENTROIDS as CENTROIDS_KEY
from duplex.model.stages.hubert_units import HubertUnits
from duplex.model.stages.token_window import TokenStream
from duplex.model.stages.unit_vocoder import UnitVocoder
from duplex.model.weights.hub import folder_of

STEPS: Final = 5
"""Pieces of work that a start reports."""

_FORMS: Final = (
    ByteTextConfig(),
    ByteTextConfig(
        eos="<|eot_id|>",
        before="<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\n",
        after="<|eot_id|>",
    ),
)
"""How known chat models format a system prompt: ChatML (Qwen), Llama 3."""
_QUIET: Final = ("user.kind", "assistant.kind", "assistant.state.weight", "assistant.since.weight")
"""Fresh parts that are added to every element; they start at zero."""
_COSYVOICE: Final = (
    *("flow.pt", "flow.safetensors", "hift.pt", "hift.safetensors"),
    *("*spk2info.pt", "speakers.safetensors", "cosyvoice.yaml"),
)
"""Files of a release that are needed; the other files are several times their size."""
_STACK: Final = "transformer.stack."

M = TypeVar("M", bound=nn.Module)


@dataclass(frozen=True)
class Start:
    """Sources that every family needs: paths or hub ids of the LLM and of the refined head's LM, and the folder to
    write."""

    llm: str
    srh: str
    out: Path
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    seed: int = 0


@dataclass(frozen=True)
class _Llm:
    """An LLM whose tokenizer and embedding tables have been extended by the special tokens."""

    config: LlmConfig
    weights: Weights
    text: ByteTextConfig
    tokenizer: ByteTokenizer


def start_drvoice(
    start: Start, encoder: str, detokenizer: str | None = None, voices: Path | None = None
) -> Iterator[str]:
    """Write a training start of `drvoice`; yields the name of each piece of work before it begins.

    Args:
        start: see there.
        encoder: path or hub id of a Whisper.
        detokenizer: path or hub id of CosyVoice3; None if its files will be put into the folder later.
        voices: file of its voices, if its folder has none.

    Raises:
        ConfigError: a source is not usable, they do not fit, or `out` holds a checkpoint already.
    """
    _empty(start.out)
    yield "language model"
    llm = _read_llm(start)
    yield "encoder"
    shape, ears = read_whisper(fetch(encoder), _dtype(start))
    encoder_config = EncoderConfig(shape=shape, cycle_frames=min(EncoderConfig().cycle_frames, shape.source_positions))
    yield "refined head"
    voice = folder_of(detokenizer, _COSYVOICE) if detokenizer else None
    sound = read_config(voice) if voice else CosyVoiceConfig()
    head, weights = _read_head(start, SpeechCodesConfig(codebook=sound.flow.vocabulary), sound.stream.hop)
    config = _fit(lambda: drvoice(start.out.name, llm.config, head, encoder_config, sound))
    yield "detokenizer"
    if voice:
        convert(voice, start.out / config.voice.source, voices, sound)
    yield "writing"
    save_file(ears, start.out / EARS)
    _write(start, config, llm, weights)


def start_omnidrca(start: Start, tokenizer: str, units: Path, vocoder: Path, layer: int) -> Iterator[str]:
    """Write a training start of `omnidrca`; yields the name of each piece of work before it begins.

    Args:
        start: see there.
        tokenizer: path or hub id of a HuBERT.
        units: file of centroids (.npy or .safetensors).
        vocoder: checkpoint of a unit vocoder, with its config.json in the same folder.
        layer: the HuBERT layer whose output the centroids were made from.

    Raises:
        ConfigError: a source is not usable, they do not fit, or `out` holds a checkpoint already.
    """
    _empty(start.out)
    yield "language model"
    llm = _read_llm(start)
    yield "speech tokenizer"
    tokens, folder = HubertConfig(layer=layer), fetch(tokenizer)
    hubert = HubertUnits.load(folder, units, tokens)
    heard = TokenStream(hubert, tokens.window)
    yield "refined head"
    voice = UnitVocoder.load(vocoder)
    if voice.config.units != hubert.vocabulary:
        raise ConfigError(
            f"{vocoder}: speaks {voice.config.units} units, {units} has {hubert.vocabulary}; take a matching pair"
        )
    codes = SpeechCodesConfig(codebook=voice.config.units)
    head, weights = _read_head(start, codes, voice.config.slot_units)
    ears = UnitEarsConfig(tokens=tokens, vocabulary=hubert.vocabulary, source="hubert")
    config = _fit(
        lambda: omnidrca(
            start.out.name, llm.config, head, ears, voice.config, heard.tokens_per_slot, silence=heard.silence
        )
    )
    yield "detokenizer"
    save_file(voice.network.state_dict(), start.out / config.voice.source)
    copy_hubert(folder, start.out / ears.source)
    save_file({CENTROIDS_KEY: hubert.centroids}, start.out / CENTROIDS)
    yield "writing"
    _write(start, config, llm, weights)


def _read_llm(start: Start) -> _Llm:
    folder = fetch(start.llm)
    config, weights, end = read_llm(folder, _dtype(start))
    tokenizer = read_tokenizer(folder / TOKENIZER)
    text = _text(tokenizer, end, folder)
    known = set(tokenizer.get_vocab().values())
    add_special(tokenizer, [text.sil])
    checked = ByteTokenizer(tokenizer, text, str(folder / TOKENIZER))
    rows = max(config.vocab_size, checked.size)
    tables = ["model.embed_tokens.weight"] if config.tied else ["model.embed_tokens.weight", "lm_head.weight"]
    for name in tables:
        weights[name] = _grow(weights[name], rows, known, checked.size)
    return _Llm(config.model_copy(update={"vocab_size": rows}), weights, text, checked)


def _text(tokenizer: Tokenizer, end: int | None, folder: Path) -> ByteTextConfig:
    """How this LLM formats a system prompt and ends a text."""
    for form in _FORMS:
        if all(tokenizer.token_to_id(token) is not None for token in (form.eos, _first_token(form.before))):
            return form
    eos = None if end is None else tokenizer.id_to_token(end)
    if eos is None:
        raise ConfigError(f"{folder}: neither its tokenizer nor config.json has a token that ends a text; take another")
    return ByteTextConfig(eos=eos, before="", after="")


def _first_token(text: str) -> str:
    return text[: text.index(">") + 1]


def _grow(table: Tensor, rows: int, known: set[int], size: int) -> Tensor:
    """Extend a table [V, D] -> [rows, D]; new ids below `size` get the mean of the known ones."""
    index = torch.tensor(sorted(row for row in known if row < len(table)))
    mean = table[index].float().mean(0).to(table.dtype)
    grown = torch.cat([table, mean.expand(rows - len(table), -1)]) if rows > len(table) else table.clone()
    grown[[row for row in range(size) if row not in known]] = mean
    return grown


def _read_head(start: Start, codes: SpeechCodesConfig, group: int) -> tuple[RefinedHeadConfig, Weights]:
    """Read the refined head's configuration and the weights of its transformer, under our names."""
    config, weights, _ = read_llm(fetch(start.srh), _dtype(start))
    inner = {
        _STACK + name.removeprefix("model."): value
        for name, value in weights.items()
        if not name.startswith(("lm_head.", "model.embed_tokens."))
    }
    return RefinedHeadConfig(llm=config, codes=codes, group=group), inner


def _fit(build: Callable[[], FamilyConfig]) -> FamilyConfig:
    try:
        return build()
    except ValidationError as error:
        raise ConfigError(f"these parts do not fit: {error.errors()[0]['msg']}; take parts of one family") from None


def _write(start: Start, config: FamilyConfig, llm: _Llm, stack: Weights) -> None:
    """Write core, refined head and tokenizer, and the configuration last, because a folder without it is no
    checkpoint."""
    mind = config.mind.model_copy(update={"text": llm.text})
    config = config.model_copy(update={"mind": mind, "dtype": start.dtype})
    core = {f"llm.lm.{name}": value for name, value in llm.weights.items()}
    core |= _fresh(lambda part: Core(mind.core.model_copy(update={"llm": part})), mind.core.llm, "llm.", start)
    for name in _QUIET:
        core[name] = torch.zeros_like(core[name])
    width = mind.core.llm.hidden_size
    head = stack | _fresh(
        lambda part: AutoregressiveRefinedHead(config.voice.head.model_copy(update={"llm": part}), width),
        config.voice.head.llm,
        _STACK,
        start,
    )
    with torch.device("meta"):
        whole_core, whole_head = Core(mind.core), AutoregressiveRefinedHead(config.voice.head, width)
    without = {TIED} if mind.core.llm.tied else set()
    check(core, {name: value for name, value in whole_core.state_dict().items() if name not in without}, start.llm)
    check(head, whole_head.state_dict(), start.srh)
    save_file({name: value.contiguous() for name, value in core.items()}, start.out / CORE)
    save_file({name: value.contiguous() for name, value in head.items()}, start.out / HEAD)
    llm.tokenizer.save(start.out / TOKENIZER)
    write_text(start.out / CONFIG, config.to_yaml())


def _fresh(build: Callable[[LlmConfig], M], llm: LlmConfig, inner: str, start: Start) -> Weights:
    """Seeded weights of a module without its transformer, which is built without layers and left out."""
    empty = llm.model_copy(update={"num_hidden_layers": 0, "vocab_size": 1})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(start.seed)
        state = build(empty).state_dict()
    return {name: value.to(_dtype(start)) for name, value in state.items() if not name.startswith(inner)}


def _dtype(start: Start) -> torch.dtype:
    return torch.bfloat16 if start.dtype == "bfloat16" else torch.float32


def _empty(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ConfigError(f"{out}: is not empty; choose another folder for --out")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{out}: cannot be made ({error.strerror}); choose another folder for --out") from None
