"""The training loop shared by the recipes: rate schedule, gradient clipping, checkpoints, resume, progress bar.

Knows modules and losses; knows nothing of what is trained.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

_BETAS = (0.9, 0.98)
_DECAY = 0.01
_CLIP = 1.0
_FLOOR = 0.02
_CHECKPOINT_S = 120.0
_SMOOTHING = 0.99
_EMA = 0.995


def cosine(warmup: int, steps: int) -> Callable[[int], float]:
    """Share of the rate at a step: up over `warmup` steps, down to 2 % on a cosine."""

    def share(step: int) -> float:
        return min(1.0, (step + 1) / warmup) * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * step / steps)))

    return share


class Loop:
    """AdamW with a moving average of the weights; goes on from `path` where that holds an unfinished run."""

    def __init__(self, model: nn.Module, rate: float, steps: int, path: Path, name: str) -> None:
        self._model, self._rate, self._steps, self._path, self._name = model, rate, steps, path, name
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self._optimizer = torch.optim.AdamW(parameters, rate, _BETAS, weight_decay=_DECAY, fused=True)
        self._average = {key: value.detach().clone() for key, value in model.state_dict().items()}
        self._loss = 0.0
        self._first = 0
        if path.exists():
            self._resume()

    def steps(self, share: Callable[[int], float]) -> Iterator[int]:
        """Step numbers that are left, with the rate set for each; afterwards the model holds the average."""
        columns = (
            TextColumn(self._name),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} loss {task.fields[loss]:.4f}"),
        )
        saved = monotonic()
        with Progress(*columns, TimeRemainingColumn()) as progress:
            task = progress.add_task(self._name, total=self._steps, completed=self._first, loss=0.0)
            for step in range(self._first, self._steps):
                for group in self._optimizer.param_groups:
                    group["lr"] = self._rate * share(step)
                yield step
                progress.update(task, completed=step + 1, loss=self._loss)
                if monotonic() - saved > _CHECKPOINT_S:
                    self.checkpoint(step + 1)
                    saved = monotonic()
        self._model.load_state_dict(self._average)
        if self._first < self._steps:
            self.checkpoint(self._steps)

    def update(self, loss: Tensor) -> None:
        """One optimizer step down `loss`."""
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), _CLIP)
        self._optimizer.step()
        value = float(loss.detach())
        self._loss = value if self._loss == 0 else _SMOOTHING * self._loss + (1 - _SMOOTHING) * value
        self._follow()

    @torch.no_grad()
    def _follow(self) -> None:
        for key, value in self._model.state_dict().items():
            if value.is_floating_point():
                self._average[key].lerp_(value, 1 - _EMA)
            else:
                self._average[key].copy_(value)

    def checkpoint(self, done: int) -> None:
        """Write everything that is needed to go on after `done` steps."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        partial = self._path.with_suffix(".partial")
        state = {
            "model": self._average,
            "done": done,
            "live": self._model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
        }
        torch.save(state, partial)
        partial.rename(self._path)

    def _resume(self) -> None:
        state = torch.load(self._path, weights_only=True)
        self._first = int(state["done"])
        self._average = state["model"]
        self._model.load_state_dict(state["model"] if self._first >= self._steps else state["live"])
        self._optimizer.load_state_dict(state["optimizer"])
