"""Speech refined head of Fun-Audio-Chat (OmniDRCA, eq. 5-7): one LLM step's hidden vector gives five speech tokens.

It is a small autoregressive model at 25 Hz over the whole sequence: every element of the LLM has five places in its
cache. That includes heard speech and text, whose previous token is always the begin-of-speech token. This module does
not depend on text or on the LLM.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from configs.model.funaudiochat import BackboneConfig
from duplex.model.funaudiochat.backbone import Backbone
from duplex.model.funaudiochat.key_values import CachePlaces, KeyValues

Choose = Callable[[Tensor, int], Tensor]
"""Chooses ids [B] from the logits [B, codes] of the i-th token of a group."""


class GroupRefinedHead(nn.Module):
    """Maps conditions [B, D] to speech tokens [B, group] (OmniDRCA, eq. 5-7; sizes and ties as in the released code).
    The embedding `table` is shared with the groups and therefore an argument."""

    def __init__(self, config: BackboneConfig, width: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.pre_matching = nn.Linear(width, width * group)
        self.input_matching = nn.Linear(width, config.hidden_size, bias=False)
        self.backbone = Backbone(config)
        self.output_matching = nn.Linear(config.hidden_size, width, bias=False)

    def prefill(self, condition: Tensor, bos: Tensor, span: CachePlaces, cache: KeyValues) -> None:
        """Put elements without assistant speech into the cache.

        Args:
            condition: [R, n, D].
            bos: [D], the vector of the begin-of-speech token.
            span: n * group places per row.
            cache: written.
        """
        self.backbone.step(self.input_matching(self._parts(condition) + bos), span, cache)

    def step(
        self,
        condition: Tensor,
        carried: Tensor,
        table: Tensor,
        spans: list[CachePlaces],
        cache: KeyValues,
        choose: Choose,
    ) -> Tensor:
        """Make one group for every row.

        Args:
            condition: [B, D].
            carried: [B] the speech token before.
            table: [codes, D].
            spans: one place for every token of the group.
            cache: written.
            choose: picks each token.

        Returns:
            [B, group] ids.
        """
        parts, tokens = self._parts(condition[:, None]), [carried]
        for index, span in enumerate(spans):
            x = self.input_matching(parts[:, index : index + 1] + table[tokens[-1]][:, None])
            logits = self._logits(self.backbone.step(x, span, cache), table)
            tokens.append(choose(logits[:, 0], index))
        return torch.stack(tokens[1:], dim=1)

    def force(self, condition: Tensor, before: Tensor, table: Tensor) -> Tensor:
        """Teacher-forced logits [B, group * T, codes] of whole sequences.

        Args:
            condition: [B, T, D].
            before: [B, group * T] the speech token before each place.
            table: [codes, D].
        """
        x = self.input_matching(self._parts(condition) + table[before])
        return self._logits(self.backbone.whole(x), table)

    def _parts(self, condition: Tensor) -> Tensor:
        """Ungroup (OmniDRCA, eq. 5, 6): [R, n, D] -> [R, n * group, D]."""
        return self.pre_matching(condition).unflatten(-1, (self.group, -1)).flatten(1, 2)

    def _logits(self, hidden: Tensor, table: Tensor) -> Tensor:
        return nn.functional.linear(self.output_matching(hidden), table)
