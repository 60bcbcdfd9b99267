"""The workload of `duplex bench step --shape`: steps and prefills of many conversations, stopwatches, copies.

This module uses networks and devices; it does not depend on reports.
"""

import time
from collections.abc import Callable
from typing import Final

import torch

from configs.model.funaudiochat import AnswerConfig, TurnsConfig
from duplex.model.funaudiochat.drawing import Drawing
from duplex.model.funaudiochat.graphed import GraphedStep, stepping
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.funaudiochat.multimodal_llm import StepInput

COPIES: Final = 10
COPIED_BYTES: Final = {"cuda": 1 << 30, "cpu": 1 << 26}

Stopwatch = Callable[[Callable[[], object]], float]
"""Runs a function and returns its time in milliseconds."""


class Workload:
    """`batch` conversations of `context` elements each, which all answer; every step runs at that length."""

    def __init__(self, chat: FunAudioChat, turns: TurnsConfig, context: int, batch: int) -> None:
        self._chat, self._batch, self._context = chat, batch, context
        network, config = chat.network, chat.config
        self._state = network.init_state(batch, turns.places, turns.refined_places)
        caches = [self._state.llm, *([self._state.refined] if self._state.refined else [])]
        for cache in caches:
            for tensor in (*cache.keys, *cache.values):
                tensor.normal_()
        self._stepping = stepping(network, self._state, turns.step)
        self._drawing = Drawing(config, batch, network.device)
        for row in range(batch):
            self._drawing.begin(row, AnswerConfig(), [config.ids.audio_bos])
        self._text = [config.ids.audio_bos] * batch
        self._tokens = [[config.codes.bos] * config.group] * batch
        self._steps = 0
        frames, bands = config.encoder.chunk_frames, config.encoder.bands
        self._spectra = torch.rand(batch, bands, frames, device=network.device) - 1
        self._rewind()

    @property
    def recorded(self) -> int:
        """Number of recorded CUDA graphs."""
        return self._stepping.recorded if isinstance(self._stepping, GraphedStep) else 0

    @torch.inference_mode()
    def step(self, speaks: bool = True) -> None:
        """Run 200 ms of all conversations."""
        device, everyone = self._chat.network.device, [True] * self._batch
        uniform = self._drawing.uniforms([(row, self._steps) for row in range(self._batch)])
        x = StepInput(
            text=torch.tensor(self._text, device=device),
            group=torch.tensor(self._tokens, device=device),
            grouped=torch.tensor(everyone, device=device),
            carried=torch.tensor([group[-1] for group in self._tokens], device=device),
            writes=everyone,
            speaks=[speaks] * self._batch,
        )
        out = self._stepping.step(x, self._state, self._drawing.speech(uniform))
        self._text = self._drawing.text(out.text_logits, uniform, [False] * self._batch).tolist()
        self._tokens = self._tokens if out.tokens is None else out.tokens.tolist()
        self._drawing.mark_seen([(row, self._text[row], tuple(self._tokens[row])) for row in range(self._batch)])
        self._steps += 1
        self._rewind()

    @torch.inference_mode()
    def prefill(self) -> None:
        """Prefill two seconds of audio of all conversations."""
        network, config = self._chat.network, self._chat.config
        frames = torch.full((self._batch,), self._spectra.shape[-1], device=network.device)
        groups = network.grouping.group_features(network.encoder(self._spectra, frames))
        ids = torch.full((groups.shape[1],), config.ids.audio)
        network.prefill(range(self._batch), [ids] * self._batch, list(groups), self._state, refined=True)
        self._rewind()

    def _rewind(self) -> None:
        self._state.llm.lengths[:] = [self._context] * self._batch
        if self._state.refined is not None:
            self._state.refined.lengths[:] = [self._context * self._chat.config.group] * self._batch


def copy_bandwidth(device: torch.device, stopwatch: Stopwatch) -> float:
    """Bytes per second, read and written, of the fastest of several large copies."""
    size = COPIED_BYTES[device.type]
    source = torch.zeros(size, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    return 2000 * size / min(stopwatch(lambda: target.copy_(source)) for _ in range(COPIES))


def device_name(device: torch.device) -> str:
    """Name of a device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def stopwatch_for(device: torch.device) -> Stopwatch:
    """A stopwatch that uses the device's events on CUDA and the clock on the CPU."""

    def by_clock(run: Callable[[], object]) -> float:
        begin = time.perf_counter()
        run()
        return 1000 * (time.perf_counter() - begin)

    def by_events(run: Callable[[], object]) -> float:
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        end.synchronize()
        return begin.elapsed_time(end)

    return by_events if device.type == "cuda" else by_clock
