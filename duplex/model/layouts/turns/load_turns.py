"""Builds a live half-duplex model from its description: its rows, its voice and its policy.

This module handles descriptions; it does not depend on turns, files or devices.
"""

from collections.abc import Callable, Iterator

from configs.model.live_turns import LiveTurnsConfig
from configs.model.turn_model import TurnModelConfig
from duplex.model.families.checkpoint import load_tdm_model
from duplex.model.funaudiochat.load_parts import load_parts
from duplex.model.interface import SlotGenerator
from duplex.model.layouts.turns.funaudiochat_turns import CosyVoiceTurns, FunAudioChatTurns
from duplex.model.layouts.turns.generator import TurnGenerator
from duplex.model.layouts.turns.groups import GroupedGenerator
from duplex.model.layouts.turns.head_policy import HeadPolicy
from duplex.model.layouts.turns.scripted import ScriptedModel, ScriptedVoice
from duplex.model.layouts.turns.turn_interface import TurnPolicy
from duplex.model.layouts.turns.vad_policy import VadPolicy

MakeGroup = Callable[[int, TurnPolicy], TurnGenerator]
"""Makes (rows, policy) into conversations that share their steps."""
MakeGenerator = Callable[[int, bool], SlotGenerator]
"""Makes (rows, beside) into conversations."""


def load_turns(config: TurnModelConfig, conversations: int) -> MakeGenerator:
    """Load a described model; first, its memory is checked for this many conversations.

    Raises:
        ConfigError: files are missing or broken, or there is too little memory.
    """
    group = _load_scripted(config) if config.kind == "scripted" else _load_funaudiochat(config, conversations)

    def make(rows: int, beside: bool) -> SlotGenerator:
        size = min(config.rows_per_step or rows, rows)
        sizes = [min(size, rows - first) for first in range(0, rows, size)]
        groups = [
            group(count, policy) for count, policy in zip(sizes, _make_policies(config.live, beside), strict=False)
        ]
        return groups[0] if len(groups) == 1 else GroupedGenerator(groups)

    return make


def _load_funaudiochat(config: TurnModelConfig, conversations: int) -> MakeGroup:
    parts = load_parts(config, conversations)
    assert parts.detokenizer is not None
    voice = CosyVoiceTurns(parts.detokenizer, config.voice)

    def make(rows: int, policy: TurnPolicy) -> TurnGenerator:
        model = FunAudioChatTurns(parts.chat, rows, config.persona, config.answer, config.turns, config.live)
        return TurnGenerator(model, voice, policy, config.live, rows)

    return make


def _load_scripted(config: TurnModelConfig) -> MakeGroup:
    voice = ScriptedVoice.load()
    return lambda rows, policy: TurnGenerator(ScriptedModel(voice, rows), voice, policy, config.live, rows)


def _make_policies(config: LiveTurnsConfig, beside: bool) -> Iterator[TurnPolicy]:
    """Yield a policy for each group; the deciding model is loaded once."""
    if config.policy == "vad":
        while True:
            yield VadPolicy(config.vad)
    listener = load_tdm_model(config.head.model)
    while True:
        yield HeadPolicy(listener, config.head, beside)
