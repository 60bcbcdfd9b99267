"""`duplex data`: from training data of another project to dialogues of two channels, as a user would."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from runtime.cli.main import run


@pytest.fixture
def source(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "q.wav", np.zeros(16_000), 16_000)
    rows = [
        {"key": f"k{number}", "source_wav": "q.wav", "source_text": f"Question {number}?", "target_text": "Yes.",
         "target_token": [1] * 50}
        for number in range(40)
    ]  # fmt: skip
    path = tmp_path / "train.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_the_steps_follow_each_other(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, mixed, staged = (str(tmp_path / name) for name in ("raw", "mixed", "staged"))
    assert run(["data", "import", str(source), "--out", raw, "--validation", "0.2", "--language", "en"]) == 0
    assert run(["data", "filter", raw, "--out", str(tmp_path / "none"), "--language", "de"]) == 0
    left = capsys.readouterr().out.splitlines()
    assert left[1].endswith("0 for train, 0 for validation")
    assert left[2] == "left out: 40 (another language)"
    assert run(["data", "patterns", raw, "--out", mixed]) == 0
    assert run(["data", "duplex", raw, "--out", staged, "--seed", "3"]) == 0
    told = capsys.readouterr().out.splitlines()
    train = int(left[0].split()[1])
    assert 0 < train < 40
    assert told[0].endswith(f"{7 * train} for train, {7 * (40 - train)} for validation")
    assert run(["data", "show", mixed, "--count", "1"]) == 0
    shown = capsys.readouterr().out
    assert "user: Question" in shown
    assert f"S2M {train}," in shown
    assert run(["data", "show", staged]) == 0
    assert "two channels" in capsys.readouterr().out


def test_what_cannot_be_used_is_one_line(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert run(["data", "show", str(tmp_path)]) == 2
    assert run(["data", "import", str(tmp_path / "no.jsonl"), "--out", out]) == 2
    assert run(["data", "import", str(source), "--out", out]) == 0
    assert run(["data", "patterns", out, "--out", out]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line]
    assert [line.split(": ", 1)[0] for line in errors] == ["error"] * 3
    assert "holds examples already" in errors[2]


def test_speech_tokens_are_made_with_a_released_file(
    source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [{**json.loads(line), "target_wav": "q.wav"} for line in source.read_text().splitlines()[:2]]
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    raw, out = str(tmp_path / "raw"), str(tmp_path / "out")
    assert run(["data", "import", str(source), "--out", raw, "--validation", "0"]) == 0
    assert run(["data", "tokenize", raw, "--out", out]) == 2
    assert "choose a tokenizer: --s3 FILE" in capsys.readouterr().err
    golden = Path(__file__).parents[3] / "golden" / "speech_tokens_s3.onnx"
    assert run(["data", "tokenize", raw, "--out", out, "--s3", str(golden)]) == 0
    assert run(["data", "show", out]) == 0
    shown = capsys.readouterr().out
    assert "S3Tokenizer v3" in shown
    assert "50" in shown.split("speech tokens")[1], "one second, 25 tokens, two answers"
