"""Samples the next tokens of the rows of a batch, and tracks what their repetition penalties have seen.

This module handles settings and ids; it does not depend on turns or networks. As in the authors' code, penalties cover
the text of the whole conversation (prompt and answer) and the speech of the answer.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from configs.model.funaudiochat import LIKELIEST, AnswerConfig, FunAudioChatConfig
from duplex.model.funaudiochat.chat_row import Group
from duplex.model.sampling.choose import Choices, GroupChoice, choose, uniforms


class Drawing:
    """Choice of text and speech tokens for `size` rows."""

    def __init__(self, config: FunAudioChatConfig, size: int, device: torch.device) -> None:
        self._config, self._device = config, device
        self._answering: list[AnswerConfig | None] = [None] * size
        self._text_seen = torch.zeros(size, config.vocabulary, dtype=torch.bool, device=device)
        self._spoken_seen = torch.zeros(size, config.codes.size, dtype=torch.bool, device=device)
        self._set_choices()

    def begin(self, row: int, answering: AnswerConfig, ids: Sequence[int]) -> None:
        """Begin an answer in `row`, after the text `ids` of its conversation."""
        if self._answering[row] is not answering:
            self._answering[row] = answering
            self._set_choices()
        self._spoken_seen[row] = False
        self._text_seen[row] = False
        self._text_seen[row, torch.tensor(ids, device=self._device)] = True

    def uniforms(self, seeds: Sequence[tuple[int, int]]) -> Tensor:
        """Uniform numbers of one step for rows given as (seed, step): one column per speech token, the last for
        text."""
        return uniforms(seeds, self._config.group + 1, self._device)

    def speech(self, uniform: Tensor) -> GroupChoice:
        """A function that chooses a group's tokens; each counts as seen for the next."""
        return GroupChoice(self._spoken_seen.clone(), uniform, self._tokens)

    def text(self, logits: Tensor, uniform: Tensor, opened: Sequence[bool]) -> Tensor:
        """Choose text ids [B] from logits [B, V]; `opened`: rows whose last token was the begin of speech."""
        ids = self._config.ids
        barred = [
            is_open and answering is not None and answering.never_silent
            for is_open, answering in zip(opened, self._answering, strict=True)
        ]
        if any(barred):
            logits = logits.clone()
            logits[torch.tensor(barred, device=self._device), ids.sil] = -torch.inf
        return choose(logits, self._text_seen, uniform[:, -1], self._text)

    def mark_seen(self, steps: Sequence[tuple[int, int, Group | None]]) -> None:
        """Count (row, text id, speech tokens) as seen."""
        self._mark(self._text_seen, [(row, number) for row, number, _ in steps])
        self._mark(self._spoken_seen, [(row, token) for row, _, group in steps for token in group or ()])

    def _mark(self, seen: Tensor, which: Sequence[tuple[int, int]]) -> None:
        """Set all pairs (row, id) in one transfer to the device."""
        if which:
            rows, numbers = torch.tensor(which, device=self._device).T
            seen[rows, numbers] = True

    def _set_choices(self) -> None:
        text = [LIKELIEST if one is None else one.text for one in self._answering]
        tokens = [LIKELIEST if one is None else one.tokens for one in self._answering]
        self._text, self._tokens = Choices.of(text, self._device), Choices.of(tokens, self._device)
