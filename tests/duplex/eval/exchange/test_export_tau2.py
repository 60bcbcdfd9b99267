"""Trajectories of tau2: the ticks are those of the panel."""

import json
from pathlib import Path
from typing import Any

import pytest

from configs.eval.protocols import ProtocolsConfig, TauVoiceConfig
from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.export_tau2 import export_tau2
from duplex.eval.exchange.foreign_files import Exported
from duplex.eval.exchange.saved import SavedRun
from duplex.eval.suite import Facts
from tests.duplex.eval.exchange.runs import barge_in_row, event, make_spoken_answer, row, sound_row, turn_row, write_run


def export(folder: Path, rows: list[Facts], config: ProtocolsConfig | None = None) -> tuple[Exported, Path]:
    run, out = SavedRun.load(write_run(folder / "run", "overlap", rows, audio=False)), folder / "out"
    return export_tau2(run, out, lambda _: None, config or ProtocolsConfig()), out


def simulation(out: Path, name: str) -> Any:
    return json.loads((out / "simulations" / f"{name}.json").read_text(encoding="utf-8"))


def speech(ticks: Any, chunk: str) -> str:
    return "".join("#" if tick[chunk]["contains_speech"] else "." for tick in ticks)


def test_a_conversation_is_a_simulation(tmp_path: Path) -> None:
    _, out = export(tmp_path, [barge_in_row("a/b")])
    found = simulation(out, "a_b")
    assert (found["id"], found["mode"], found["duration"]) == ("a_b", "full_duplex", 10.0)
    assert found["end_time"] == "2000-01-01T00:00:10+00:00"
    assert [tick["tick_id"] for tick in found["ticks"]] == list(range(50))
    user, assistant = (speech(found["ticks"], f"{side}_chunk") for side in ("user", "agent"))
    assert user == (".." + "#" * 8 + "." * 12 + "#" * 8).ljust(50, ".")
    assert assistant == ("." * 15 + "#" * 10 + "." * 8 + "#" * 7).ljust(50, ".")


def test_the_folder_says_what_was_run(tmp_path: Path) -> None:
    _, out = export(tmp_path, [turn_row("a", 0.4)])
    info = json.loads((out / "results.json").read_text())["info"]
    assert info["environment_info"] == {"domain_name": "overlap", "policy": "balanced"}
    assert (info["agent_info"]["llm"], info["seed"], info["max_steps"]) == ("mini", 7, 50)


def test_sounds_are_effects(tmp_path: Path) -> None:
    rows = [sound_row(kind, kind, yields=False) for kind in ("backchannel", "vocal_tic", "non_directed", "noise")]
    _, out = export(tmp_path, rows)
    chunk = {one["id"]: simulation(out, one["id"])["ticks"][20]["user_chunk"] for one in rows}
    assert chunk["backchannel"]["turn_taking_action"] == {"action": "backchannel"}
    assert chunk["backchannel"]["speech_effects"] is None
    tic = {"speech_insert": {"text": "vocal_tic", "type": "vocal_tic"}}
    assert (chunk["vocal_tic"]["contains_speech"], chunk["vocal_tic"]["speech_effects"]) == (True, tic)
    assert chunk["non_directed"]["speech_effects"]["speech_insert"]["type"] == "non_directed_phrase"
    assert (chunk["noise"]["contains_speech"], chunk["noise"]["source_effects"]) == (
        False,
        {"burst_noise_file": "noise"},
    )


def test_sounds_in_silence_are_beside_the_users_speech(tmp_path: Path) -> None:
    user = [
        event("user", "turn", 0.0, 1.0),
        event("user", "vocal_tic", 3.0, 3.2),
        event("user", "non_directed", 3.0, 3.2),
    ]
    _, out = export(tmp_path, [row("a", "g", user, [make_spoken_answer("yes", 1.4)])])
    chunk = simulation(out, "a")["ticks"][15]["user_chunk"]
    assert chunk["contains_speech"] is False
    kinds = [chunk[effects]["speech_insert"]["type"] for effects in ("source_effects", "speech_effects")]
    assert sorted(kinds) == ["non_directed_phrase", "vocal_tic"]


def test_the_figures_are_the_panel_by_its_own_names(tmp_path: Path) -> None:
    rows = [barge_in_row("a"), sound_row("b", "backchannel", yields=True), sound_row("c", "vocal_tic", yields=False)]
    written, _ = export(tmp_path, rows)
    assert written.figures["yield_latency_mean"] == pytest.approx(0.6)
    assert written.figures["selectivity_backchannel"] == 0.0
    assert written.figures["selectivity_vocal_tic"] == 1.0
    assert written.figures["selectivity_non_directed"] is None
    assert written.figures["counts"] == {
        "response_total": 4,
        "yield_total": 1,
        "backchannel_total": 1,
        "vocal_tic_total": 1,
        "non_directed_total": 0,
        "agent_interrupts_count": 0,
    }


def test_other_ticks_are_not_its_own(tmp_path: Path) -> None:
    config = ProtocolsConfig(tau_voice=TauVoiceConfig(tick_s=0.1))
    with pytest.raises(EvaluationError, match=r"ticks of 0\.1 s are not tau2's"):
        export(tmp_path, [turn_row("a", 0.4)], config)
