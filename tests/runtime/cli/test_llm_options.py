"""--llm and its kin: what is wrong is said at once, and a language model that fails is not passed over in silence."""

import json
from pathlib import Path

import pytest
import soundfile

from configs.base import ConfigError
from configs.model.language_models import LanguageModelConfig
from runtime.cli.common import ModelOptions
from runtime.cli.main import main
from tests.duplex.model.language_models.servers import Exchange, free_port, serve

SPEECH = Path(__file__).parents[2] / "data" / "speech" / "capital_of_norway.flac"


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"llm": ""}, "--llm is empty"),
        ({"llm": "smollm2", "llm_answers": "maybe"}, "--llm-answers: must be all or unknown, not 'maybe'"),
        ({"llm_answers": "unknown"}, "no language model is named; add --llm"),
        ({"llm": "smollm2", "values_set": ["llm.temperature=9"]}, "--set llm: 'temperature' is wrong"),
        ({"llm": "smollm2", "values_set": ["llm.nothing=9"]}, "--set llm: unknown key 'nothing'"),
        ({"tools": ["examples"]}, "--tools: no language model is named that could call functions; add --llm"),
        ({"llm": "smollm2", "tools": ["sing"]}, "--tools sing: is neither an example (examples, time_in, calculate,"),
        ({"llm": "smollm2", "tools": ["no_such_module:sing"]}, "--tools no_such_module:sing: no_such_module cannot be"),
        ({"llm": "smollm2", "tools": ["time_in", "examples"]}, "two tools have the same name"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_loaded(options: dict[str, object], line: str) -> None:
    with pytest.raises(ConfigError) as caught:
        _ = ModelOptions(**options).changes  # type: ignore[arg-type]
    assert line in str(caught.value)


def test_options_become_values_of_the_language_model() -> None:
    chosen = ModelOptions("mini", ["llm.longest=40"], "http://127.0.0.1/v1", "tiny", "unknown")
    assert chosen.changes == {
        "llm.longest": 40,
        "llm.source": "http://127.0.0.1/v1",
        "llm.model": "tiny",
        "llm.answers": "unknown",
    }


def test_a_description_names_the_language_model_and_options_override_it() -> None:
    chosen = ModelOptions("mini-smollm2", ["llm.longest=40"], llm_answers="all")
    assert chosen.changes == {"llm.longest": 40, "llm.answers": "all"}
    assert chosen.language_model == LanguageModelConfig(source="smollm2", longest=40)
    with pytest.raises(ConfigError, match="--set llm: unknown key 'nothing'"):
        _ = ModelOptions("mini-smollm2", ["llm.nothing=9"]).changes


def test_the_only_model_of_a_server_is_named() -> None:
    with serve(lambda exchange: exchange.answer("Paris."), models=["tiny"]) as server:
        chosen = ModelOptions(llm=server.address)
        assert chosen.resolve_changes() == {"llm.source": server.address, "llm.model": "tiny"}
        named = ModelOptions(llm=server.address, llm_model="other")
        assert named.resolve_changes() == named.changes
    assert ModelOptions(llm="smollm2").resolve_changes() == {"llm.source": "smollm2"}
    assert ModelOptions().resolve_changes() == {}


def test_a_server_that_is_not_there_is_told_and_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pcm, rate = soundfile.read(SPEECH)
    soundfile.write(tmp_path / "q.wav", pcm, rate)
    address = f"http://127.0.0.1:{free_port()}/v1"
    arguments = ["converse", "q.wav", "--out", "out", "--tail", "3", "--llm", address, "--llm-model", "tiny"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["duplex", *arguments, "--json", "r.json"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert f"note: q.wav: No server answers at {address}" in capsys.readouterr().err
    (result,) = json.loads((tmp_path / "r.json").read_text())["conversations"]
    assert result["error"].startswith("No server answers")


def test_functions_become_values_of_the_language_model() -> None:
    chosen = ModelOptions("mini", ["llm.tool_limits={limit_s: 3}"], "smollm2", tools=["time_in", "calculate"])
    assert chosen.changes == {
        "llm.source": "smollm2",
        "llm.tools": ["time_in", "calculate"],
        "llm.tool_limits": {"limit_s": 3},
    }


def test_converse_shows_a_line_for_each_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The spoken question stands for any: the server calls whatever it is asked."""

    def call(exchange: Exchange) -> None:
        exchange.call("calculate", expression="6 * 7")

    pcm, rate = soundfile.read(SPEECH)
    soundfile.write(tmp_path / "q.wav", pcm, rate)
    monkeypatch.chdir(tmp_path)
    with serve(call, lambda exchange: exchange.answer("Forty-two.")) as llm:
        arguments = ["converse", "q.wav", "--out", "out", "--tail", "5", "--json", "r.json", "--llm", llm.address]
        monkeypatch.setattr("sys.argv", ["duplex", *arguments, "--llm-model", "tiny", "--tools", "examples"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 0
    assert f"{Path('out') / 'q'}: calculate 6 * 7 -> 42" in capsys.readouterr().out
    (result,) = json.loads((tmp_path / "r.json").read_text())["conversations"]
    assert result["assistant"] == "Forty-two."
    (called,) = result["tools"]
    assert (called["name"], called["result"], called["failed"]) == ("calculate", "42", False)
