"""The golden tensors of Fun-Audio-Chat, folders in the authors' published form, and answers to the golden prompts."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from configs.model.funaudiochat import FUNAUDIOCHAT_TINY, LIKELIEST, AnswerConfig, ChoiceConfig, TurnsConfig
from duplex.model.funaudiochat.chat_row import AnswerStep
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.checkpoint import Checkpoint
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.funaudiochat.tokenizer import ChatTokenizer
from duplex.model.funaudiochat.weights import INDEX

GOLDEN = Path(__file__).parents[3] / "golden"
DENSE = "funaudiochat"
SPARSE = "funaudiochat_moe"
_CONFIGS = {DENSE: "config", SPARSE: "config_moe"}
_WEIGHTS = "weights."


@cache
def tensors(kind: str = DENSE) -> dict[str, Tensor]:
    """What the reference computed, and its weights under `weights.`."""
    return load_file(GOLDEN / f"{kind}.safetensors")


def about() -> dict[str, Any]:
    """Versions, seeds and configurations."""
    values: dict[str, Any] = json.loads((GOLDEN / "funaudiochat.json").read_text())
    return values


def publish(folder: Path, kind: str = DENSE, shards: int = 2) -> Path:
    """A checkpoint folder as the authors publish it: config.json, shards with an index, tokenizer.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(about()[_CONFIGS[kind]]))
    ChatTokenizer.of_bytes(FUNAUDIOCHAT_TINY).save(folder)
    weights = {key.removeprefix(_WEIGHTS): value for key, value in tensors(kind).items() if key.startswith(_WEIGHTS)}
    names = sorted(weights)
    index: dict[str, str] = {}
    for shard in range(shards):
        part = names[shard::shards]
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        save_file({name: weights[name] for name in part}, folder / file, {"format": "pt"})
        index |= dict.fromkeys(part, file)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return folder


def load(folder: Path, kind: str = DENSE) -> FunAudioChat:
    """The published checkpoint in float32, the type used for comparison."""
    return Checkpoint.inspect(publish(folder, kind)).load(dtype=torch.float32)


def close(made: Tensor, wanted: Tensor) -> None:
    """Parity: activations in float32 differ by at most 1e-5."""
    torch.testing.assert_close(made, wanted, atol=1e-5, rtol=0.0)


@torch.inference_mode()
def groups_of(chat: FunAudioChat, clip: Tensor) -> Tensor:
    """Groups of a golden clip (a spectrum), chunk by chunk as the network takes them."""
    config = chat.config
    chunks = clip.split(config.encoder.chunk_frames, dim=1)
    features = [chat.network.encoder(chunk[None], torch.tensor([chunk.shape[1]]))[0] for chunk in chunks]
    tokens = clip.shape[1] // config.token_frames
    return chat.network.grouping.group_features(torch.cat(features)[None])[0, : -(-tokens // config.group)]


PENALISED = ChoiceConfig(temperature=0.0, top_p=1.0, repetition_penalty=1.2)
HOT = ChoiceConfig(temperature=2.0, top_p=1.0, repetition_penalty=1.2)

ANSWERS: dict[str, AnswerConfig] = {
    "greedy": AnswerConfig(tokens=LIKELIEST, max_steps=41),
    "greedy_penalty": AnswerConfig(text=PENALISED, tokens=PENALISED, max_steps=41),
    "sampled": AnswerConfig(text=ChoiceConfig(), never_silent=True, max_steps=41),
    "sampled_speech": AnswerConfig(max_steps=41),
    "hot": AnswerConfig(text=HOT, tokens=HOT, max_steps=13),
    "second_turn": AnswerConfig(tokens=PENALISED, max_steps=13),
    "text_only": AnswerConfig(speech=False, max_steps=13),
}
"""Our settings for the reference's generations, by their name in the golden file."""

SYSTEM, FIRST_ANSWER = "speak", "Yes, two."
PLACES = TurnsConfig(places=220)


def ask(chat: FunAudioChat, name: str, rows: ChatRows, row: int = 0) -> None:
    """Bring a row to where a golden generation begins."""
    clips = [tensors()[f"clip.{index}"] for index in range(2)]
    rows.open(row, SYSTEM, ANSWERS[name], about()["generations"][name].get("seed", 0))
    rows.user_groups(row, groups_of(chat, clips[0]))
    if name == "second_turn":
        rows.keep_text(row, FIRST_ANSWER)
        rows.user_groups(row, groups_of(chat, clips[1]))


def finish_answer(rows: ChatRows, row: int = 0) -> list[AnswerStep]:
    """Step a row alone until its answer ends."""
    steps: list[AnswerStep] = []
    while not steps or not steps[-1].finished:
        step = rows.step([index == row for index in range(rows.size)])[row]
        assert step is not None
        steps.append(step)
    return steps


def text_of(steps: list[AnswerStep]) -> list[int]:
    """Text ids of an answer."""
    return [step.text_id for step in steps]


def speech_of(steps: list[AnswerStep]) -> list[int]:
    """Speech tokens of an answer."""
    return [token for step in steps for token in step.tokens or ()]
