"""The training loop shared by the recipes: rate schedule, gradient clipping, checkpoints, resume, progress bar.

Sources: AdamW, Loshchilov and Hutter 2019; cosine schedule, Loshchilov and Hutter 2017 (SGDR), without restarts.
Nothing here depends on what is trained.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from torch import Tensor, nn

_BETAS = (0.9, 0.98)
_CLIP = 1.0
_FLOOR = 0.02
_CHECKPOINT_S = 120.0
_SMOOTHING = 0.99


@dataclass(frozen=True)
class Optimization:
    """How weights are optimized (AdamW, Loshchilov and Hutter 2019).

    Attributes:
        rate: learning rate at the top of the schedule.
        decay: weight decay of matrices; norms, biases and the parameters in `shares` do not decay.
        average: decay per step of the moving average of the weights; it begins with a shorter average.
        shares: parameter name -> factor of its learning rate, if that is not 1.
    """

    rate: float
    decay: float = 0.01
    average: float = 0.995
    shares: Mapping[str, float] = field(default_factory=dict)


def cosine(warmup: int, steps: int) -> Callable[[int], float]:
    """Factor of the learning rate at a step: linear warm-up over `warmup` steps, then a cosine down to 2 % (Loshchilov
    and Hutter 2017, without restarts)."""

    def share(step: int) -> float:
        return min(1.0, (step + 1) / warmup) * (_FLOOR + (1 - _FLOOR) * 0.5 * (1 + math.cos(math.pi * step / steps)))

    return share


class Loop:
    """AdamW with a moving average of the weights; resumes from `path` if that has an unfinished run."""

    def __init__(self, model: nn.Module, how: Optimization, steps: int, path: Path, name: str) -> None:
        self._model, self._how, self._steps, self._path, self._name = model, how, steps, path, name
        self._optimizer = torch.optim.AdamW(_groups(model, how), how.rate, _BETAS, fused=True)
        self._average = {key: value.detach().clone() for key, value in model.state_dict().items()}
        self._first = self._updates = 0
        self.loss = 0.0
        if path.exists():
            self._resume()

    @property
    def first(self) -> int:
        """The first step of the run: 0, or where an earlier run stopped."""
        return self._first

    def steps(self, share: Callable[[int], float]) -> Iterator[int]:
        """Remaining step numbers, with the rate set for each; afterwards the model has the averaged weights."""
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
                    group["lr"] = self._how.rate * group["share"] * share(step)
                yield step
                progress.update(task, completed=step + 1, loss=self.loss)
                if monotonic() - saved > _CHECKPOINT_S:
                    self.checkpoint(step + 1)
                    saved = monotonic()
        self._model.load_state_dict(self._average)
        if self._first < self._steps:
            self.checkpoint(self._steps)

    def update(self, loss: Tensor) -> None:
        """Take one optimizer step on `loss`."""
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self._model.parameters(), _CLIP)
        self._optimizer.step()
        value = float(loss.detach())
        self.loss = value if self.loss == 0 else _SMOOTHING * self.loss + (1 - _SMOOTHING) * value
        self._follow()

    @contextmanager
    def average_weights(self) -> Iterator[None]:
        """Within this context, the model has the moving average of its weights."""
        live = {key: value.detach().clone() for key, value in self._model.state_dict().items()}
        self._model.load_state_dict(self._average)
        try:
            yield
        finally:
            self._model.load_state_dict(live)

    @torch.no_grad()
    def _follow(self) -> None:
        self._updates += 1
        decay = min(self._how.average, self._updates / (self._updates + 9))
        for key, value in self._model.state_dict().items():
            if value.is_floating_point():
                self._average[key].lerp_(value, 1 - decay)
            else:
                self._average[key].copy_(value)

    def checkpoint(self, done: int) -> None:
        """Write everything that is needed to resume after `done` steps."""
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
        self._first = self._updates = int(state["done"])
        self._average = state["model"]
        self._model.load_state_dict(state["model"] if self._first >= self._steps else state["live"])
        self._optimizer.load_state_dict(state["optimizer"])


def _groups(model: nn.Module, how: Optimization) -> list[dict[str, object]]:
    """Groups of parameters with equal rate and decay."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decays = parameter.ndim >= 2 and name not in how.shares
            groups.setdefault((how.shares.get(name, 1.0), how.decay * decays), []).append(parameter)
    return [{"params": found, "share": share, "weight_decay": decay} for (share, decay), found in groups.items()]
