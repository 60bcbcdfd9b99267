"""Replays a logged conversation and compares it: same tokens and samples, or the first difference.

This module uses logs, recordings and generators; `runtime.session.slot_log` verifies the log's chain.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from configs.audio import AUDIO
from configs.policy import PolicyConfig
from configs.runtime.runtime import EchoGuardConfig, RuntimeConfig
from duplex.model.interface import SlotGenerator
from runtime.converse import Conversation, SlotExtras, converse_slots
from runtime.errors import LogError
from runtime.pcm import Pcm16
from runtime.session.log_records import ABSENT, FORGOT, WORDS_LATE, SlotLogContent, SlotRow
from runtime.session.recording import USER_FILE, read_recording
from runtime.session.slot_log import read_log
from runtime.session.slot_rows import sha256

SLOT_IN = AUDIO.slot_input_samples
COMPARED = ("user_sha256", "state", "event", "text_id", "tokens", "assistant_sha256")
"""The fields that must be equal in a replay, in the order in which a difference is reported."""


@dataclass(frozen=True)
class LoggedConversation:
    """A verified log and the user's audio.

    Attributes:
        log: the whole log.
        user: T slots of [3200]; fewer than the log's rows if the recording ended first, or if an engine went on with
            the conversation that was given only its last slots.
    """

    log: SlotLogContent
    user: tuple[Pcm16, ...]

    @property
    def rows(self) -> tuple[SlotRow, ...]:
        """The rows with audio, T."""
        return self.log.rows[: len(self.user)]

    @property
    def complete(self) -> bool:
        """Whether the log has its closing line."""
        return self.log.end is not None


@dataclass(frozen=True)
class ReplayReport:
    """The result of a replay.

    Attributes:
        slots: number of slots compared. difference: the first one in words; None if everything is equal.
        p_speak_error: largest difference of p(speak).
    """

    slots: int
    difference: str | None
    p_speak_error: float

    @property
    def equal(self) -> bool:
        """Whether tokens and samples of all slots are the same."""
        return self.difference is None


def load_logged(path: Path) -> LoggedConversation:
    """Read a log and the `user.wav` in its folder.

    Raises:
        LogError: the log was changed, or the audio is not what was logged.
        AudioError: there is no such audio.
    """
    log = read_log(path)
    pcm = read_recording(path.with_name(USER_FILE))
    known = next((number for number, row in enumerate(log.rows) if FORGOT in row.degraded), len(log.rows))
    count = min(known, len(pcm) // SLOT_IN)
    if pcm.ndim != 1 or not count:
        raise LogError(f"{path}: there is nothing to replay; it needs at least one slot and its mono user.wav")
    slots = tuple(pcm[: count * SLOT_IN].reshape(count, SLOT_IN))
    for row, slot in zip(log.rows, slots, strict=False):
        if sha256(slot) != row.user_sha256:
            raise LogError(f"user.wav next to {path}: slot {row.slot} is not the logged audio; use an untouched copy")
    return LoggedConversation(log, slots)


def replay(
    logged: LoggedConversation,
    generator: SlotGenerator,
    policy: PolicyConfig | None = None,
    *,
    folder: Path | None = None,
    config: RuntimeConfig | None = None,
    on_slot: Callable[[SlotRow], None] | None = None,
) -> Conversation:
    """Replay the same user audio.

    Args:
        logged: result of `load_logged`.
        generator: its row 0 is used.
        policy: replaces the logged one; the audio does not change, so the user does not react to the changes.
        folder: where the new files go; None keeps none.
        config: configuration of the runtime; echo was already removed from the logged audio, so it is not searched for.
        on_slot: is called after every slot.

    Raises:
        LogError: the model differs from the logged one.
    """
    header = logged.log.header
    if generator.fingerprint != header.fingerprint:
        raise LogError(
            f"the log was made by model '{header.model}' ({header.fingerprint}), this one is {generator.fingerprint}; "
            "give the same weights with --model"
        )
    options = replace(header.options, policy=policy) if policy else header.options
    source = f"replay of {header.session}"
    heard = (config or RuntimeConfig()).model_copy(update={"echo": EchoGuardConfig(enabled=False)})
    told = {
        row.slot: SlotExtras(row.typed, row.unheard_ms, row.came, WORDS_LATE in row.degraded, ABSENT in row.degraded)
        for row in logged.rows
    }
    return converse_slots(
        generator, logged.user, options, told=told, folder=folder, model=header.model, source=source, config=heard,
        on_slot=on_slot,
    )  # fmt: skip


def compare(logged: Sequence[SlotRow], again: Iterable[SlotRow]) -> ReplayReport:
    """Compare tokens, states and samples slot by slot."""
    pairs = list(zip(logged, again, strict=True))
    differences = (text for before, after in pairs if (text := _difference(before, after)))
    error = max((abs(before.p_speak - after.p_speak) for before, after in pairs), default=0.0)
    return ReplayReport(len(pairs), next(differences, None), error)


def _difference(before: SlotRow, after: SlotRow) -> str | None:
    for name in COMPARED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            return f"slot {before.slot}: {name} was {_short(old)}, is {_short(new)}"
    return None


def _short(value: object) -> str:
    text = str(value) or "nothing"
    return text if len(text) <= 24 else text[:24] + "..."
