"""The lines that VoiceBench reads."""

import json
from pathlib import Path

from configs.eval.protocols import ProtocolsConfig
from duplex.eval.exchange.export_voicebench import export_voicebench
from duplex.eval.exchange.saved import SavedRun
from tests.duplex.eval.exchange.runs import question_row, turn_row, write_run


def test_a_line_is_a_question_its_reference_and_the_response(tmp_path: Path) -> None:
    rows = [
        question_row("a", "four|4", "it is four", None, "4"),
        question_row("b", "Paris", "", None, "Paris"),
        turn_row("c", 0.4),
    ]
    run = SavedRun.load(write_run(tmp_path / "run", "spoken-qa", rows, audio=False))
    written = export_voicebench(run, tmp_path / "out", lambda _: None, ProtocolsConfig())
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["mini-spoken-qa-test-audio.jsonl", "mini-spoken-qa-test-text.jsonl"]
    lines = [json.loads(line) for line in (tmp_path / "out" / names[0]).read_text().splitlines()]
    assert lines == [
        {"prompt": "Which one?", "reference": "four or 4", "response": "it is four"},
        {"prompt": "Which one?", "reference": "Paris", "response": ""},
    ]
    assert json.loads((tmp_path / "out" / names[1]).read_text().splitlines()[1])["response"] == "Paris"
    assert written.rows == 2
    assert "left out: mini-spoken-qa-test-speech.jsonl; not all questions have such an answer" in written.notes
