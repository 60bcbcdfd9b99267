"""What a soak measures, as plain values.

Sizes are in MB (1e6 bytes), `at_s` counts seconds from the begin of the soak, lags are in ms on the client's own clock.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class SessionSample:
    """One session at one moment.

    `answered_lag_ms`: how long after the end of a user slot, as the client spoke it, its answer reached the client, if
    the answer was silence; `played_lag_ms`: the same of slots in which the assistant speaks, which are told when their
    audio leaves. Both are medians since the last sample; None if there was no such slot. A part of at most a slot is
    constant over a session, because its slots need not begin with its first packet. `slots`, `late`, `unseen`: since
    the session's begin, the user slots that it had, those that were answered after their deadline, and those whose
    answer never came.
    """

    answered_lag_ms: float | None
    played_lag_ms: float | None
    slots: int
    late: int
    unseen: int


@dataclass(frozen=True)
class ProcessSample:
    """One process at one moment: its resident set and its open file descriptors."""

    rss_mb: float
    descriptors: int


@dataclass(frozen=True)
class Sample:
    """Everything at one moment. `server`: the main process, which has the media. `web`: that of HTTP."""

    at_s: float
    server: ProcessSample
    engine: ProcessSample
    web: ProcessSample
    sessions: tuple[SessionSample, ...]


@dataclass(frozen=True)
class Idle:
    """What a server holds while nobody talks to it: descriptors of its processes, and asyncio tasks."""

    server_descriptors: int
    engine_descriptors: int
    web_descriptors: int
    tasks: int

    def exceeds(self, other: "Idle") -> bool:
        """Whether any of the counts is larger than that of `other`."""
        return (
            self.server_descriptors > other.server_descriptors
            or self.engine_descriptors > other.engine_descriptors
            or self.web_descriptors > other.web_descriptors
            or self.tasks > other.tasks
        )


@dataclass(frozen=True)
class Measured:
    """A whole soak.

    `drifts_ppm`: by how much each session's clock was off. `before`, `after`: what the server held before and after the
    sessions; `after` is None if it no longer answered. `ended`: why sessions ended before their time, or what else
    broke the soak off. `client_late_share`: share (0..1) of the clients' own packets that left more than
    `PacingConfig.late_ms` late, which is this machine's fault and not the server's.
    """

    drifts_ppm: tuple[float, ...]
    samples: tuple[Sample, ...]
    before: Idle
    after: Idle | None
    ended: tuple[str, ...]
    client_late_share: float
