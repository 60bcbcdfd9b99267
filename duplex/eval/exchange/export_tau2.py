"""`export tau2`: writes a run as trajectories of tau2-bench, in ticks of 200 ms, for its interaction metrics.

    OUT/results.json           description of the run; `tau2.data_model.simulation.Results` loads the folder
    OUT/simulations/ID.json    one conversation: the ticks of `duplex.eval.protocols.tau_ticks`

A sound of the user within the user's speech is a speech effect, one outside it a source effect, as in tau2. The export
has no tasks and no rewards: only the interaction metrics can be computed from it.

This module handles rows, ticks and files.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.foreign_files import Exported, OnRow, empty_folder, sample_name, write_json
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.protocols.tau_ticks import panel_of, ticks_of
from duplex.eval.protocols.tau_voice import Insert, Panel, Tick
from duplex.eval.suite import DialogueRow, Facts

TICK_S: Final = 0.2
"""What tau2 assumes if no configuration of an audio model is given."""

_NAMES: Final = {
    "l_r": "response_latency_mean",
    "l_y": "yield_latency_mean",
    "r_r": "response_rate",
    "r_y": "yield_rate",
    "i_a": "agent_interruption_rate",
    "s_bc": "selectivity_backchannel",
    "s_vt": "selectivity_vocal_tic",
    "s_nd": "selectivity_non_directed",
}
_COUNTS: Final = {
    "turns": "response_total",
    "interruptions": "yield_total",
    "backchannels": "backchannel_total",
    "vocal_tics": "vocal_tic_total",
    "non_directed": "non_directed_total",
    "interrupted_by_assistant": "agent_interrupts_count",
}
_INSERTS: Final = {"vocal_tic": "vocal_tic", "non_directed": "non_directed_phrase"}
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


def export_tau2(run: SavedRun, out: Path, on_row: OnRow, config: ProtocolsConfig) -> Exported:
    """Write all conversations. No sound is needed.

    Raises:
        EvaluationError: the ticks are not tau2's, or the folder is not empty.
    """
    if config.tau_voice.tick_s != TICK_S:
        raise EvaluationError(
            f"ticks of {config.tau_voice.tick_s} s are not tau2's; leave tau_voice.tick_s at {TICK_S}"
        )
    empty_folder(out)
    for row in run.rows:
        ticks = ticks_of(row, config.tau_voice)
        write_json(_simulation(run, row, ticks), out / "simulations" / f"{sample_name(row)}.json")
        on_row(row)
    write_json(_results(run), out / "results.json")
    notes = (
        f"score it with: tau2 submit interaction-metrics {out.resolve()}",
        "left out: words, tools, tasks and rewards; the panel does not use them",
    )
    return Exported(len(run.rows), panel_values(panel_of(run.rows, config.tau_voice)), notes)


def panel_values(panel: Panel) -> Facts:
    """The panel by tau2's own names."""
    values = {theirs: getattr(panel, ours) for ours, theirs in _NAMES.items()}
    return {**values, "counts": {theirs: getattr(panel, ours) for ours, theirs in _COUNTS.items()}}


def _results(run: SavedRun) -> Facts:
    info = {
        "git_commit": "",
        "num_trials": 1,
        "max_steps": max(round(row.trace["seconds"] / TICK_S) for row in run.rows),
        "max_errors": 0,
        "user_info": {"implementation": "duplex simulated user"},
        "agent_info": {"implementation": "duplex", "llm": _name_llm(run.settings)},
        "environment_info": {"domain_name": run.suite, "policy": f"{run.settings.get('policy', '')}"},
        "seed": run.settings.get("seed"),
    }
    return {"timestamp": _time(0), "info": info, "tasks": []}


def _name_llm(settings: Facts) -> str:
    """The language model behind the model, or else the model."""
    llm = settings.get("llm")
    found = llm.get("model") or llm.get("source") if isinstance(llm, dict) else settings.get("model")
    return f"{found or ''}"


def _simulation(run: SavedRun, row: DialogueRow, ticks: Sequence[Tick]) -> Facts:
    return {
        "id": sample_name(row),
        "task_id": sample_name(row),
        "timestamp": _time(0),
        "start_time": _time(0),
        "end_time": _time(len(ticks)),
        "duration": len(ticks) * TICK_S,
        "termination_reason": "user_stop",
        "trial": 0,
        "seed": run.settings.get("seed"),
        "mode": "full_duplex",
        "ticks": [_tick(number, tick) for number, tick in enumerate(ticks)],
    }


def _tick(number: int, tick: Tick) -> Facts:
    first, second = tick.inserts[:1], tick.inserts[1:]
    return {
        "tick_id": number,
        "timestamp": _time(number),
        "agent_chunk": {"role": "assistant", "contains_speech": tick.assistant},
        "user_chunk": {
            "role": "user",
            "contains_speech": tick.user,
            "turn_taking_action": {"action": _action(tick)},
            "speech_effects": _effects(first if tick.user else second),
            "source_effects": _effects(second if tick.user else first, tick.burst),
        },
        "tick_duration_seconds": TICK_S,
    }


def _action(tick: Tick) -> str:
    if tick.backchannel:
        return "backchannel"
    return "keep_talking" if tick.user else "wait"


def _effects(inserts: Sequence[Insert], burst: str = "") -> Facts | None:
    """Effects of a tick; each names at most one insert, so of two simultaneous sounds the second is in the other
    effect."""
    found: Facts = {"burst_noise_file": burst} if burst else {}
    if inserts:
        kind, text = inserts[0]
        found["speech_insert"] = {"text": text, "type": _INSERTS[kind]}
    return found or None


def _time(tick: int) -> str:
    return (_START + timedelta(seconds=tick * TICK_S)).isoformat()
