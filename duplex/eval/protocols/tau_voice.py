"""tau-voice's interaction panel (tau2-bench, `docs/interaction-metrics.md`, version 1.0) on ticks of 200 ms.

    L_R  response latency     L_Y  yield latency     R_R  response rate     R_Y  yield rate
    I_A  interruptions of the user by the assistant, per turn of the user
    S_BC, S_VT, S_ND  selectivity: backchannels, vocal tics and speech to somebody else that were rightly ignored

The rules are those of tau2's code (`voice_interaction_metrics.py`). It differs from or adds to its document as follows:
- A turn after which nobody speaks any more is not an event: an assistant that is silent to the end loses nothing in
R_R. - A yield falls into ticks 1 .. window - 1 after the onset: falling silent only at the window's end is not a yield.
- A tic or remark separate from the user's speech (no speech flag) while the assistant speaks counts only if the
assistant falls silent within the window, here including its end; a right reaction to it is not an event. - A tic within
a turn that began while the assistant was silent is an error when that turn is answered in time. - A single last tick
with speech of the user is the end of the call and is left out.

This module takes flags per tick; `duplex.eval.protocols.tau_ticks` makes ticks from times.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import Literal

from configs.eval.protocols import TauVoiceConfig

TauKind = Literal["interruption", "backchannel", "vocal_tic", "non_directed"]
Insert = tuple[Literal["vocal_tic", "non_directed"], str]
"""A sound that is not meant for the assistant, and its text."""


@dataclass(frozen=True)
class Tick:
    """What happens within one tick.

    Attributes:
        user, assistant: whether they speak.
        backchannel: whether the user begins a backchannel; counts in the first tick of its speech.
        inserts: sounds of the user that are not meant for the assistant, within or outside the user's speech.
        burst: name of a burst of noise, or "". The panel does not count bursts.
    """

    user: bool = False
    assistant: bool = False
    backchannel: bool = False
    inserts: tuple[Insert, ...] = ()
    burst: str = ""


@dataclass(frozen=True)
class Interaction:
    """The events of one conversation.

    Attributes:
        responses: seconds from each turn's end to the answer; None if the user spoke again first.
        yields: seconds from each interruption to the assistant's silence; None if it kept speaking.
        interruptions: how often the assistant began while the user spoke.
        backchannels, vocal_tics, non_directed: whether each was rightly ignored.
    """

    responses: tuple[float | None, ...] = ()
    yields: tuple[float | None, ...] = ()
    interruptions: int = 0
    backchannels: tuple[bool, ...] = ()
    vocal_tics: tuple[bool, ...] = ()
    non_directed: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Panel:
    """The eight figures, None if there was no event, and the values they are made of.

    Rates and selectivity are shares, latencies are seconds. tau-voice hides a rate of fewer than ten events.
    """

    l_r: float | None
    l_y: float | None
    r_r: float | None
    r_y: float | None
    i_a: float | None
    s_bc: float | None
    s_vt: float | None
    s_nd: float | None
    conversations: int
    turns: int
    interruptions: int
    backchannels: int
    vocal_tics: int
    non_directed: int
    interrupted_by_assistant: int


@dataclass(frozen=True)
class _Run:
    """Ticks `start` .. `end` - 1 in which one side speaks.

    `over`: the other side speaks in the first of them. `held`: it speaks in the tick after them.
    """

    start: int
    end: int
    over: bool
    held: bool


def interaction(ticks: Sequence[Tick], config: TauVoiceConfig) -> Interaction:
    """The events of one conversation (tau-voice, version 1.0)."""
    kept = _without_end_of_call(ticks)
    call = _Call(kept, config)
    events = [*call.overlaps(), *call.sounds_in_silence(), *call.sounds_beside()]
    return Interaction(
        responses=tuple(call.responses()),
        yields=tuple(call.yields()),
        interruptions=sum(run.over for run in call.assistant),
        backchannels=tuple(right for kind, right in events if kind == "backchannel"),
        vocal_tics=tuple(right for kind, right in events if kind == "vocal_tic"),
        non_directed=tuple(right for kind, right in events if kind == "non_directed"),
    )


def panel(conversations: Iterable[Interaction]) -> Panel:
    """The figures over all events of all conversations (tau-voice, `docs/interaction-metrics.md`, version 1.0)."""
    found = list(conversations)
    responses = [latency for one in found for latency in one.responses]
    yields = [latency for one in found for latency in one.yields]
    backchannels = [right for one in found for right in one.backchannels]
    tics = [right for one in found for right in one.vocal_tics]
    remarks = [right for one in found for right in one.non_directed]
    interrupted = sum(one.interruptions for one in found)
    return Panel(
        l_r=_mean([latency for latency in responses if latency is not None]),
        l_y=_mean([latency for latency in yields if latency is not None]),
        r_r=_mean([latency is not None for latency in responses]),
        r_y=_mean([latency is not None for latency in yields]),
        i_a=interrupted / len(responses) if responses else None,
        s_bc=_mean(backchannels),
        s_vt=_mean(tics),
        s_nd=_mean(remarks),
        conversations=len(found),
        turns=len(responses),
        interruptions=len(yields),
        backchannels=len(backchannels),
        vocal_tics=len(tics),
        non_directed=len(remarks),
        interrupted_by_assistant=interrupted,
    )


class _Call:
    """The runs of speech of one conversation."""

    def __init__(self, ticks: Sequence[Tick], config: TauVoiceConfig) -> None:
        self.ticks = ticks
        self.config = config
        self.user = _runs([tick.user for tick in ticks], [tick.assistant for tick in ticks])
        self.assistant = _runs([tick.assistant for tick in ticks], [tick.user for tick in ticks])

    def responses(self) -> Iterator[float | None]:
        """Responses to turns at whose end the assistant is silent."""
        turns = [run for run in self.user if not run.held and not self.ticks[run.start].backchannel]
        for turn, again in zip_longest(turns, turns[1:]):
            answer = next((run.start for run in self.assistant if run.start >= turn.end), None)
            if answer is not None and (again is None or answer <= again.start):
                yield (answer - turn.end) * self.config.tick_s
            elif again is not None:
                yield None

    def yields(self) -> Iterator[float | None]:
        """Yields to speech of the user that begins over the assistant's and is meant for it."""
        for run in self.user:
            if run.over and self._kind(run) == "interruption":
                after = self._silent_after(run.start, self.config.yield_s)
                yield None if after is None else after * self.config.tick_s

    def overlaps(self) -> Iterator[tuple[TauKind, bool]]:
        """Reactions to speech of the user that begins over the assistant's and is not meant for it."""
        for run in self.user:
            kind = self._kind(run)
            if run.over and kind != "interruption":
                yield kind, self._silent_after(run.start, self._yield_s(kind)) is None

    def sounds_in_silence(self) -> Iterator[tuple[TauKind, bool]]:
        """Reactions to speech of the user with a tic or remark in it that begins while the assistant is silent."""
        for run in self.user:
            kinds = self._find_inserted(run)
            if not run.over and kinds:
                kind: TauKind = "vocal_tic" if "vocal_tic" in kinds else "non_directed"
                yield kind, not self._is_answered(kind, run.start, run.end)

    def sounds_beside(self) -> Iterator[tuple[TauKind, bool]]:
        """Reactions to tics and remarks outside the user's speech."""
        for insert in sorted({insert for tick in self.ticks for insert in tick.inserts}):
            kind = insert[0]
            for run in _runs([not tick.user and insert in tick.inserts for tick in self.ticks]):
                held = next((one for one in self.assistant if one.start <= run.start < one.end), None)
                if held is None:
                    yield kind, not self._is_answered(kind, run.start, run.end)
                elif (held.end - run.start) * self.config.tick_s <= self._yield_s(kind):
                    yield kind, False

    def _kind(self, run: _Run) -> TauKind:
        if self.ticks[run.start].backchannel:
            return "backchannel"
        kinds = self._find_inserted(run)
        if "vocal_tic" in kinds:
            return "vocal_tic"
        return "non_directed" if kinds else "interruption"

    def _find_inserted(self, run: _Run) -> set[str]:
        return {kind for tick in self.ticks[run.start : run.end] for kind, _ in tick.inserts}

    def _yield_s(self, kind: TauKind) -> float:
        windows = {
            "interruption": self.config.yield_s,
            "backchannel": self.config.backchannel_yield_s,
            "vocal_tic": self.config.vocal_tic_yield_s,
            "non_directed": self.config.non_directed_yield_s,
        }
        return windows[kind]

    def _silent_after(self, start: int, window_s: float) -> int | None:
        """How many ticks after `start` the assistant is first silent; None if not within the window."""
        window = self.ticks[start : start + int(window_s / self.config.tick_s)]
        return next((place for place, tick in enumerate(window) if not tick.assistant), None)

    def _is_answered(self, kind: TauKind, start: int, end: int) -> bool:
        """Whether the assistant begins in ticks `start` .. `end` + window."""
        seconds = self.config.vocal_tic_response_s if kind == "vocal_tic" else self.config.non_directed_response_s
        last = end + int(seconds / self.config.tick_s)
        return any(start <= run.start <= last for run in self.assistant)


def _runs(flags: Sequence[bool], other: Sequence[bool] = ()) -> list[_Run]:
    """Runs of true flags. `other`: whether the other side speaks; empty if there is no other side."""
    out, place = [], 0
    for flag, group in groupby(flags):
        end = place + sum(1 for _ in group)
        if flag:
            out.append(_Run(place, end, bool(other) and other[place], end < len(other) and other[end]))
        place = end
    return out


def _without_end_of_call(ticks: Sequence[Tick]) -> Sequence[Tick]:
    lone = len(ticks) > 1 and ticks[-1].user and not ticks[-2].user
    return ticks[:-1] if lone else ticks


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
