"""Makes a loaded embedded model faster on CPUs: packed weights, and steps that conversations share.

Nothing here depends on files or conversations.
"""

from dataclasses import replace
from typing import Final

from torch import nn

from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.packed_linear import has_equal_rows, is_supported, pack_linears

_TOGETHER: Final = 4
"""Conversations that share a step: a step of four costs as much as two steps of one."""


def pack(ears: EmbeddedEars, mind: EmbeddedMind, voice: EmbeddedVoice) -> EmbeddedMind:
    """Pack the linear layers of a model's parts for inference; this changes their modules.

    Returns the mind; its `rows_per_step`, unless larger, becomes 4 where a row's results then depend on no other row.
    """
    if not is_supported():
        return mind
    parts: tuple[nn.Module, ...] = (ears.encoder, mind.core, voice.head, voice.detokenizer)
    complete = [pack_linears(part) for part in parts]
    if not (all(complete) and has_equal_rows()):
        return mind
    size = max(_TOGETHER, mind.config.rows_per_step)
    return replace(mind, config=mind.config.model_copy(update={"rows_per_step": size}))
