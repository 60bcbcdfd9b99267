"""The doctor on models: checks files, reads no weights, fetches nothing; one line and its fix for each fault."""

import json
import shutil
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from safetensors.torch import save_file

from configs.model.families import TWINS
from configs.model.funaudiochat import FUNAUDIOCHAT_8B
from configs.model.turn_model import TurnModelConfig
from duplex.model.weights.checkpoint_folder import SHIPPED
from runtime.cli.doctor.checks import Check, ModelRequirements
from runtime.cli.doctor.model import check_device, check_room, check_setup
from runtime.cli.main import run
from tests.duplex.model.funaudiochat.golden import publish
from tests.runtime.released import cut, publish_voice


@pytest.fixture
def chat(tmp_path: Path) -> Path:
    return publish(tmp_path / "chat")


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    return publish_voice(tmp_path / "voice")


@pytest.fixture(autouse=True)
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An empty cache, and no way to fill it."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def check_model(model: Path | str, wanted: ModelRequirements | None = None) -> dict[str, Check]:
    checks = check_setup(str(model), wanted or ModelRequirements())
    assert checks is not None
    return {check.name: check for check in checks}


def test_a_whole_model_is_looked_at_without_reading_its_weights(chat: Path, voice: Path) -> None:
    with patch("safetensors.torch.load_file", side_effect=AssertionError("weights were read")):
        checks = check_model(chat, ask_for(device="cpu", dtype="float32", detokenizer=str(voice)))
    assert list(checks) == ["device", "checkpoint", "flow", "vocoder", "voices", "memory"]
    assert {name: check.level for name, check in checks.items()} == dict.fromkeys(checks, "ok") | {"device": "warn"}
    assert "94 tensors in 2 shards" in checks["checkpoint"].found
    assert checks["voices"].found.endswith("anna, ben")
    assert "1 conversation(s) of 2048 places" in checks["memory"].found


def ask_for(**changes: str) -> ModelRequirements:
    return ModelRequirements(changes=changes)


def _truncate_shard(chat: Path, voice: Path) -> None:
    cut(chat / "model-00002-of-00002.safetensors", 100)


def _missing_shard(chat: Path, voice: Path) -> None:
    (chat / "model-00001-of-00002.safetensors").unlink()


def _unknown_field(chat: Path, voice: Path) -> None:
    values = json.loads((chat / "config.json").read_text())
    values["text_config"]["sliding_doors"] = True
    (chat / "config.json").write_text(json.dumps(values))


def _no_tokenizer(chat: Path, voice: Path) -> None:
    (chat / "tokenizer.json").unlink()


def _truncate_flow(chat: Path, voice: Path) -> None:
    cut(voice / "flow.pt", 1000)


def _no_vocoder(chat: Path, voice: Path) -> None:
    (voice / "hift.pt").unlink()


def _foreign_vocoder(chat: Path, voice: Path) -> None:
    shutil.copy(voice / "flow.pt", voice / "hift.pt")


def _pickle_flow(chat: Path, voice: Path) -> None:
    torch.save({"weights": Path("x")}, voice / "flow.pt")


def _no_voices(chat: Path, voice: Path) -> None:
    (voice / "spk2info.pt").unlink()


@pytest.mark.parametrize(
    ("harm", "name", "found"),
    [
        (_truncate_shard, "checkpoint", "is cut short or damaged"),
        (_missing_shard, "checkpoint", "1 of 2 shards are missing"),
        (_unknown_field, "checkpoint", "sliding_doors"),
        (_no_tokenizer, "checkpoint", "tokenizer.json"),
        (_truncate_flow, "flow", "is cut short, or in an old format of torch"),
        (_no_vocoder, "vocoder", "has neither hift.safetensors nor hift.pt"),
        (_foreign_vocoder, "vocoder", "missing, unexpected or mis-shaped"),
        (_pickle_flow, "flow", "is not a readable file of weights"),
        (_no_voices, "voices", "has no voices"),
    ],
)
def test_a_fault_is_one_line_with_its_mend(chat: Path, voice: Path, harm: object, name: str, found: str) -> None:
    assert callable(harm)
    harm(chat, voice)
    checks = check_model(chat, ask_for(device="cpu", detokenizer=str(voice)))
    assert [key for key, check in checks.items() if check.level == "fail"] == [name]
    assert found in checks[name].found
    assert checks[name].fix
    assert "\n" not in checks[name].found


def test_a_model_of_the_hub_that_is_not_here_is_not_fetched() -> None:
    checks = check_model("funaudiochat-8b", ask_for(device="cpu"))
    assert checks["checkpoint"].fix == "fetch it with: hf download FunAudioLLM/Fun-Audio-Chat-8B"
    assert checks["detokenizer"].fix.endswith("hf download FunAudioLLM/Fun-CosyVoice3-0.5B-2512 flow.pt hift.pt")
    assert "19.6 GB of weights, 1.57 GB each" in checks["memory"].found
    assert check_model("some/body")["model"].level == "fail"


def test_a_model_of_the_hub_that_is_here_is_looked_at(tmp_path: Path, chat: Path, voice: Path) -> None:
    repository = tmp_path / "hub" / "models--some--body"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0123")
    shutil.copytree(chat, repository / "snapshots" / "0123")
    with patch("runtime.cli.doctor.model._find_cached", lambda _: repository / "snapshots" / "0123"):
        checks = check_model("some/body", ask_for(detokenizer=str(voice), device="cpu"))
    assert checks["checkpoint"].level == "ok"


def test_a_checkpoint_without_a_detokenizer_or_with_a_wrong_voice(chat: Path, voice: Path, tmp_path: Path) -> None:
    assert "name one with --detokenizer" in check_model(chat)["detokenizer"].fix
    config = TurnModelConfig(
        name="mine", kind="funaudiochat", checkpoint=str(chat), detokenizer=str(voice), voice="carl"
    )
    (tmp_path / "mine.yaml").write_text(config.to_yaml())
    assert check_model(tmp_path / "mine.yaml")["voices"].fix == "choose one of anna, ben"


def test_a_description_with_an_unknown_key(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("name: mine\nkind: funaudiochat\nturns: {place: 3}\n")
    assert "unknown key" in check_model(tmp_path / "mine.yaml")["model"].found


def test_a_detokenizer_alone(voice: Path) -> None:
    assert [check.level for check in check_model(voice).values()] == ["ok", "ok", "ok"]


def test_the_shipped_model_and_its_parts(tmp_path: Path) -> None:
    assert [check.level for check in check_model("mini").values()] == ["ok", "ok", "ok"]
    folder = tmp_path / "mine"
    shutil.copytree(SHIPPED / "mini", folder)
    cut(folder / "core.safetensors", 10)
    (folder / "lexicon.xz").write_bytes(b"no archive")
    (folder / "whisper_vocabulary.json").unlink()
    checks = check_model(folder)
    assert {name: check.level for name, check in checks.items()} == dict.fromkeys(("ears", "mind", "voice"), "fail")
    assert "whisper_vocabulary.json: is missing" in checks["ears"].found
    assert checks["ears"].fix == "copy, fetch or train whisper_vocabulary.json again"
    assert "core.safetensors: is cut short or damaged" in checks["mind"].found
    assert "lexicon.xz: is cut short or damaged" in checks["voice"].found


def test_a_file_that_may_not_be_read_is_not_called_damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("runtime.cli.doctor.files.safe_open", forbid)
    check = check_model("mini")["mind"]
    assert "may not be read" in check.found
    assert "chmod" in check.fix


def test_the_embedded_model_is_had_again_by_installing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copytree(SHIPPED / "mini", tmp_path / "mini")
    (tmp_path / "mini" / "tokenizer.json").unlink()
    for module in ("files", "model"):
        monkeypatch.setattr(f"runtime.cli.doctor.{module}.SHIPPED", tmp_path)
    assert check_model("mini")["mind"].fix == "install duplex-voice again"


def test_a_folder_that_holds_no_model_is_said_to_hold_none(tmp_path: Path) -> None:
    (check,) = check_model(tmp_path).values()
    assert "is not the folder of a model" in check.found
    assert check.fix == "give the folder of a model with --model"


def test_a_checkpoint_of_a_family(tmp_path: Path) -> None:
    (tmp_path / "family.yaml").write_text(TWINS["drvoice-tiny"].to_yaml())
    checks = check_model(tmp_path)
    assert "core.safetensors: is missing" in checks["model"].found
    assert checks["detokenizer"].fix == f"put the detokenizer's files into {tmp_path / 'detokenizer'}"


def test_values_that_are_set_are_checked(chat: Path) -> None:
    check = check_model(chat, ModelRequirements(changes={"turns.place": 3}))["model"]
    assert (check.level, "unknown key" in check.found) == ("fail", True)


@pytest.mark.parametrize("name", ["tiny", "tiny-ctc", "funaudiochat-tiny"])
def test_random_models_need_no_files(name: str) -> None:
    assert [check.level for check in check_model(name).values()] == ["ok"]


def test_what_is_no_model_is_left_to_the_loader() -> None:
    assert check_setup("nope", ModelRequirements()) is None


def test_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert check_device("auto", "bfloat16").level == "warn"
    monkeypatch.setattr("torch.version.cuda", None)
    assert "install a CUDA build of torch" in check_device("cuda", "bfloat16").fix
    assert "torch is built without CUDA" in check_device("auto", "bfloat16").found
    monkeypatch.setattr("torch.version.cuda", "13.0")
    assert "nvidia-smi" in check_device("cuda", "bfloat16").fix
    assert "build" not in check_device("cuda", "bfloat16").fix
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda _: "a GPU")
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda: False)
    check = check_device("cuda:1", "bfloat16")
    assert (check.found, check.fix) == ("cuda:1: there is no such CUDA device among 1", "give cuda:0")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert check_device("cuda:9", "bfloat16").fix == "give cuda:0 to cuda:3"
    assert "no bfloat16" in check_device("auto", "bfloat16").found
    assert check_device("cuda:0", "float32").level == "ok"


def test_too_little_memory_is_told_before_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    from configs.model.cosyvoice import COSYVOICE3

    config = TurnModelConfig(name="m", kind="funaudiochat", device="cpu")
    monkeypatch.setattr("runtime.cli.doctor.model.free_memory", lambda _: 24 * 10**9)
    check = check_room(config, FUNAUDIOCHAT_8B, COSYVOICE3, 8)
    assert (check.level, check.fix) == (
        "fail", "take --sessions 2, or fewer places than 2048 (--set turns.places=N)"
    )  # fmt: skip
    monkeypatch.setattr("runtime.cli.doctor.model.free_memory", lambda _: None)
    assert check_room(config, FUNAUDIOCHAT_8B, COSYVOICE3, 8).level == "warn"


def test_the_command_fails_where_something_is_missing(chat: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["doctor", "--model", str(chat), "--port", "0"]) == 1
    assert "FAIL  detokenizer" in capsys.readouterr().out
    assert run(["doctor", "--model", "mini", "--port", "0"]) == 0
    assert run(["doctor", "--dtype", "int3"]) == 2


def test_safetensors_of_a_detokenizer_with_an_extra_tensor(voice: Path) -> None:
    (voice / "flow.pt").unlink()
    save_file({"extra": torch.zeros(1)}, voice / "flow.safetensors")
    assert "mis-shaped: " in check_model(voice)["flow"].found
