"""Maps each tensor of a checkpoint to its parameter, by the authors' names or ours.

This module handles names only, no files or values. The authors store one matrix per expert and projection;
transformers' modules hold all experts of a layer in two tensors, so these are filled piece by piece.
"""

import re
from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class ParameterSlice:
    """Parameter of `FunAudioChatNetwork`; with `expert` and `part`, a piece of it."""

    parameter: str
    expert: int | None = None
    part: Literal["whole", "first half", "second half"] = "whole"


_PREFIXES: Final = {
    "continuous_audio_tower.": "encoder.",
    "audio_tower.embed_tokens.": "grouping.table.",
    "audio_tower.output_matching.": "grouping.spoken_matching.",
    "audio_tower.continual_output_matching.": "grouping.heard_matching.",
    "audio_invert_tower.crq_transformer.": "refined.backbone.stack.",
    "audio_invert_tower.": "refined.",
    "language_model.model.embed_tokens.": "table.",
    "language_model.model.": "llm.stack.",
    "language_model.lm_head.": "text_head.",
}
_UNUSED: Final = (
    "continuous_audio_tower.audio_bos_eos_token.",
    "audio_invert_tower.crq_transformer.embed_tokens.",
    "audio_invert_tower.lm_head.",
)
"""Tensors that the authors' forward pass never reads, or that are tied to another tensor."""

_EXPERT: Final = re.compile(r"(?P<mlp>.+\.mlp\.experts)\.(?P<expert>\d+)\.(?P<name>gate|up|down)_proj\.weight")


def place_of(key: str) -> ParameterSlice | None:
    """Place of a tensor by the authors' name or ours; None if it is not used.

    Any other name is returned unchanged, so that it is reported as unexpected.
    """
    if key.startswith(_UNUSED):
        return None
    for theirs, ours in _PREFIXES.items():
        if key.startswith(theirs):
            return _expert(ours + key.removeprefix(theirs))
    return ParameterSlice(key)


def _expert(name: str) -> ParameterSlice:
    match = _EXPERT.fullmatch(name)
    if match is None:
        return ParameterSlice(name)
    expert = int(match["expert"])
    if match["name"] == "down":
        return ParameterSlice(f"{match['mlp']}.down_proj", expert)
    half: Literal["first half", "second half"] = "first half" if match["name"] == "gate" else "second half"
    return ParameterSlice(f"{match['mlp']}.gate_up_proj", expert, half)
