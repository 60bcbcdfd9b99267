"""`duplex convert`: what is written loads and is equal; nothing is overwritten; one line for every error."""

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from duplex.model.funaudiochat.checkpoint import Checkpoint
from duplex.model.funaudiochat.memory import check_weights
from duplex.model.stages.cosyvoice import CosyVoice
from runtime.cli.main import run
from tests.duplex.model.funaudiochat.golden import publish
from tests.runtime.cli.test_main import lines
from tests.runtime.released import cut, publish_voice


@pytest.mark.parametrize(("given", "dtype"), [([], torch.bfloat16), (["--dtype", "float32"], torch.float32)])
def test_a_chat_checkpoint(
    tmp_path: Path, given: list[str], dtype: torch.dtype, capsys: pytest.CaptureFixture[str]
) -> None:
    source, into = publish(tmp_path / "theirs"), tmp_path / "ours"
    assert run(["convert", str(source), "--out", str(into), *given]) == 0
    assert f"Fun-Audio-Chat (funaudiochat), {str(dtype).removeprefix('torch.')}, 3 files" in capsys.readouterr().out
    theirs, ours = (Checkpoint.inspect(folder).load(dtype=dtype).network for folder in (source, into))
    assert all(
        torch.equal(one, other) and other.dtype is dtype
        for one, other in zip(theirs.state_dict().values(), ours.state_dict().values(), strict=True)
    )
    assert {value.dtype for value in load_file(into / "model.safetensors").values()} == {dtype}


def test_a_detokenizer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, into = publish_voice(tmp_path / "theirs"), tmp_path / "ours"
    assert run(["convert", str(source), "--out", str(into)]) == 0
    assert "CosyVoice detokenizer, 4 files" in capsys.readouterr().out
    assert not list(into.glob("*.pt"))
    theirs, ours = CosyVoice.load(source), CosyVoice.load(into)
    for name, value in theirs.state_dict().items():
        torch.testing.assert_close(ours.state_dict()[name], value, msg=name)
    # Tensors of a safetensors file lie in memory as in the file, where kernels may round differently; copies do not.
    for tensor in (*theirs.parameters(), *theirs.buffers(), *ours.parameters(), *ours.buffers()):
        tensor.data = tensor.data.clone()
    tokens = torch.arange(10)
    torch.testing.assert_close(theirs.whole(tokens, theirs.voice()), ours.whole(tokens, ours.voice()))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["none"], "no checkpoint 'none': it is neither a folder nor owner/name of a hub"),
        (["chat", "--dtype", "int3"], "--dtype: 'int3' is not one of 'bfloat16', 'float32'"),
        (["voice", "--dtype", "float32"], "--dtype: CosyVoice keeps the data types of its release"),
        (["broken"], "model-00001-of-00002.safetensors: is cut short or damaged"),
    ],
)
def test_errors_are_one_line(
    tmp_path: Path,
    arguments: list[str],
    error: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    publish(Path("chat"))
    publish_voice(Path("voice"))
    cut(publish(Path("broken")) / "model-00001-of-00002.safetensors", 10)
    assert run(["convert", *arguments, "--out", "out"]) == 2
    (line,) = lines(capsys)
    assert error in line
    assert not Path("out").exists()


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = publish(tmp_path / "theirs")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    for into, line in (("full", "choose another one with --out"), ("full/letter.txt", "error: --out: ")):
        assert run(["convert", str(source), "--out", str(tmp_path / into)]) == 2
        assert line in lines(capsys)[0]


def test_weights_that_do_not_fit_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    little = partial(check_weights, free=lambda _: 1000)
    monkeypatch.setattr("duplex.model.funaudiochat.memory.check_weights", little)
    assert run(["convert", str(publish(tmp_path / "theirs")), "--out", str(tmp_path / "ours")]) == 2
    assert "the weights of funaudiochat take 0.0 GB in torch.bfloat16" in lines(capsys)[0]
