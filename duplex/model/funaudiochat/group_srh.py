"""Speech refined head: an LLM step's hidden vector becomes five speech tokens, one after another.

Knows speech tokens; knows nothing of text or of the LLM. It is a small autoregressive model at 25 Hz over the whole
sequence: every element of the LLM has five places in its cache, heard speech and text included, where the token before
is the begin-of-speech token.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from configs.model.funaudiochat import BackboneConfig
from duplex.model.funaudiochat.backbone import Backbone
from duplex.model.funaudiochat.key_values import CachePlaces, KeyValues

Choose = Callable[[Tensor, int], Tensor]
"""Logits [B, codes] of the i-th token of a group -> ids [B]."""


class GroupRefinedHead(nn.Module):
    """Conditions [B, D] -> speech tokens [B, group]. `table`, which is tied to the groups' table, is an argument."""

    def __init__(self, config: BackboneConfig, width: int, group: int) -> None:
        super().__init__()
        self.group = group
        self.pre_matching = nn.Linear(width, width * group)
        self.input_matching = nn.Linear(width, config.hidden_size, bias=False)
        self.backbone = Backbone(config)
        self.output_matching = nn.Linear(config.hidden_size, width, bias=False)

    def prefill(self, condition: Tensor, bos: Tensor, span: CachePlaces, cache: KeyValues) -> None:
        """Put elements without speech of their own into the cache.

        Args:
            condition: [R, n, D].
            bos: [D], the vector of the begin-of-speech token.
            span: of n * group elements per row.
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
        """One group for every row.

        Args:
            condition: [B, D].
            carried: [B] the speech token before.
            table: [codes, D].
            spans: one element for every token of the group.
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
        """Logits [B, group * T, codes] of whole sequences.

        Args:
            condition: [B, T, D].
            before: [B, group * T] the speech token before each place.
            table: [codes, D].
        """
        x = self.input_matching(self._parts(condition) + table[before])
        return self._logits(self.backbone.whole(x), table)

    def _parts(self, condition: Tensor) -> Tensor:
        """[R, n, D] -> [R, n * group, D]."""
        return self.pre_matching(condition).unflatten(-1, (self.group, -1)).flatten(1, 2)

    def _logits(self, hidden: Tensor, table: Tensor) -> Tensor:
        return nn.functional.linear(self.output_matching(hidden), table)
