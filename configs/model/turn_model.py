"""A half-duplex model that converses live in the turn layout, described by a file: `configs/models/NAME.yaml`."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from configs.base import Config
from configs.model.funaudiochat import TURNS, AnswerConfig, TurnsConfig
from configs.model.live_turns import LiveTurnsConfig


class TurnModelConfig(Config):
    """A model, its voice, and how it takes turns.

    Attributes:
        name: name of the model.
        kind: "funaudiochat", or "scripted", which hears nothing and says fixed sentences with mini's voice, for
            measurements.
        checkpoint: folder or hub id of the language model; None takes random weights (names with "tiny" only).
        detokenizer: folder or hub id with `flow.pt` and `hift.pt`, or their safetensors.
        speakers: file of voices, if the detokenizer's folder has none. voice: the speaker's name; None takes the first.
        device: "auto" takes a GPU if there is one. dtype: that of the language model and the flow.
        persona: follows the pattern's system prompt if a conversation does not bring a prompt.
        rows_per_step: conversations that one step runs together; None runs all, which suits a GPU. With 1, what a
            conversation says does not depend on who shares the engine, bit for bit, and its replay is exact.
        turns: places and listening. answer: how an answer is made. live: turn-taking and history.
    """

    name: str
    kind: Literal["funaudiochat", "scripted"]
    checkpoint: str | None = None
    detokenizer: str | None = None
    speakers: Path | None = None
    voice: str | None = None
    device: str = "auto"
    dtype: Literal["bfloat16", "float32"] = "bfloat16"
    persona: str = ""
    rows_per_step: int | None = Field(default=None, ge=1)
    turns: TurnsConfig = TURNS
    answer: AnswerConfig = AnswerConfig()
    live: LiveTurnsConfig = LiveTurnsConfig()
