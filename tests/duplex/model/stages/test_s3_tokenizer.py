"""S3Tokenizer: the package's mel frames and tokens, through its ONNX form and through the package's interface."""

import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from configs.base import ConfigError
from configs.model.ears import MelConfig
from configs.model.speech_tokens import S3Config, TokenWindowConfig
from duplex.model.stages.s3_tokenizer import OnnxNetwork, S3Tokenizer, load_s3_tokenizer
from duplex.model.stages.token_window import TokenStream

FOLDER = Path(__file__).parents[3] / "golden"
FILE = FOLDER / "speech_tokens_s3.onnx"
GOLDEN = load_file(FOLDER / "speech_tokens.safetensors")
NAMES = {"model_v2": "S3TokenizerV2", "model_v3": "S3TokenizerV3"}
CONFIG = S3Config(source="onnx", dim=64, heads=1, layers=1)


def _pcm(clip: str) -> Tensor:
    return GOLDEN[f"s3.{clip}.pcm"].float() / 2**15


@pytest.fixture(scope="module")
def tokenizer() -> S3Tokenizer:
    return load_s3_tokenizer(FILE, CONFIG)


@pytest.mark.parametrize("clip", ["even", "odd"])
def test_mel_frames_are_the_packages(tokenizer: S3Tokenizer, clip: str) -> None:
    mel = tokenizer.mel.clip(_pcm(clip)[None])[0]
    # The logarithm of a weak band shows how a CPU rounds its Fourier transform: 1.5e-5 with AVX-512.
    torch.testing.assert_close(mel, GOLDEN[f"s3.{clip}.mel"], rtol=0, atol=1e-4)


@pytest.mark.parametrize("clip", ["even", "odd"])
def test_tokens_of_the_onnx_file_are_the_packages(tokenizer: S3Tokenizer, clip: str) -> None:
    expected = GOLDEN[f"s3.{clip}.tokens"].long()
    assert torch.equal(tokenizer.encode(_pcm(clip)[None])[0], expected)
    assert len(expected.unique()) > 8


def test_rows_of_a_batch_are_clips_of_their_own(tokenizer: S3Tokenizer) -> None:
    pcm = torch.stack([_pcm("even"), _pcm("even").flip(0)])
    alone = [tokenizer.encode(row[None])[0] for row in pcm]
    assert torch.equal(tokenizer.encode(pcm), torch.stack(alone))


def test_vocabulary_and_rate() -> None:
    released = S3Config.for_generation("v3")
    assert (released.vocabulary, released.token_samples, released.token_frames) == (6561, 640, 4)
    assert S3Config.for_generation("v2").layers == 6


def test_slot_by_slot_equals_the_whole(tokenizer: S3Tokenizer) -> None:
    stream = TokenStream(tokenizer, TokenWindowConfig(left_ms=400, right_ms=120))
    pcm = _pcm("even")
    state = stream.init_state(2)
    active = torch.tensor([True, True])
    live = [stream.step(torch.stack([slot, slot.flip(0)]), state, active) for slot in pcm.split(3200)]
    assert torch.equal(torch.stack(live)[:, 0], stream.encode(pcm))
    assert stream.tokens_per_slot == 5
    assert stream.delay_ms == 120


def test_a_slots_tokens_are_those_of_its_window(tokenizer: S3Tokenizer) -> None:
    stream = TokenStream(tokenizer, TokenWindowConfig(left_ms=400, right_ms=120))
    pcm = _pcm("even")
    window = pcm[6 * 3200 - (400 + 200 + 120) * 16 :]
    assert torch.equal(stream.encode(pcm)[5], tokenizer.encode(window[None])[0, 10:15])


class _Place:
    """A network whose tokens are the mel frames' own values, and that remembers how long its clips were."""

    def __init__(self) -> None:
        self.frames: list[int] = []

    def __call__(self, mel: Tensor) -> Tensor:
        self.frames.append(mel.shape[2])
        return (mel[:, 0, ::4] * 1000).round().long()


@pytest.mark.parametrize("seconds", [29.96, 30.0, 30.04, 33.9, 52.4, 60.0])
def test_long_clips_keep_every_token(seconds: float) -> None:
    """A shorter last piece than the overlap costs the package tokens."""
    network = _Place()
    tokenizer = S3Tokenizer(CONFIG, network)
    pcm = torch.rand(1, round(seconds * 16_000), generator=torch.Generator().manual_seed(0)) - 0.5
    tokens = tokenizer.encode(pcm)
    assert tokens.shape[1] == round(seconds * 25)
    assert torch.equal(tokens, _Place()(tokenizer.mel.clip(pcm)))
    assert max(network.frames) <= 3000


def test_a_clip_shorter_than_a_token_has_none(tokenizer: S3Tokenizer) -> None:
    assert tokenizer.encode(torch.zeros(2, 639)).shape == (2, 0)


class _Package(nn.Module):
    """The part of the package's network that its interface exposes."""

    def __init__(self, name: str, sizes: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(128, sizes, 4, 4)
        self.name = name

    def quantize(self, mel: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        assert lengths.tolist() == [mel.shape[2]] * mel.shape[0]
        return self.conv1(mel).argmax(1).int(), lengths // 4


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    parts = {name: ModuleType(f"s3tokenizer.{name}") for name in NAMES}
    for (part, name), config in zip(NAMES.items(), ("ModelConfig", "ModelConfigV3"), strict=True):
        setattr(parts[part], name, _Package)
        setattr(parts[part], config, lambda **sizes: sizes["n_audio_state"])
    package = ModuleType("s3tokenizer")
    for name, module in parts.items():
        monkeypatch.setitem(sys.modules, f"s3tokenizer.{name}", module)
    monkeypatch.setitem(sys.modules, "s3tokenizer", package)
    return package


@pytest.mark.usefixtures("package")
@pytest.mark.parametrize("generation", ["v2", "v3"])
def test_the_package_runs_where_it_imports(tmp_path: Path, generation: str) -> None:
    model = _Package("", 64)
    save_file(model.state_dict(), tmp_path / "s3.safetensors")
    config = S3Config.model_validate({"generation": generation, "dim": 64})
    tokenizer = load_s3_tokenizer(tmp_path / "s3.safetensors", config)
    tokens = tokenizer.encode(_pcm("even")[None])
    assert torch.equal(tokens, model.quantize(tokenizer.mel.clip(_pcm("even")[None]), torch.tensor([120]))[0].long())


def test_the_package_takes_the_onnx_file_by_generation(package: ModuleType) -> None:
    """The package's own loader goes by the file's name; ours does not."""
    weights = _Package("", 64).state_dict()
    package.onnx2torch_v3 = lambda path, target, verbose: weights  # type: ignore[attr-defined]
    package.onnx2torch = lambda path, target, verbose: {}  # type: ignore[attr-defined]
    load_s3_tokenizer(FILE, S3Config(dim=64))
    with pytest.raises(ConfigError, match=r"2 weights are missing .*conv1.bias.* generation v2$"):
        load_s3_tokenizer(FILE, S3Config(generation="v2", dim=64))
    with pytest.raises(ConfigError, match="2 have the wrong shape"):
        load_s3_tokenizer(FILE, S3Config(dim=32))


@pytest.mark.usefixtures("package")
def test_a_truncated_file_of_the_package(tmp_path: Path) -> None:
    (tmp_path / "s3.safetensors").write_bytes(b"12345678901")
    with pytest.raises(ConfigError, match="cannot be read as generation v3") as error:
        load_s3_tokenizer(tmp_path / "s3.safetensors", S3Config(dim=64))
    assert "\n" not in str(error.value)


def test_without_the_package_the_onnx_file_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "s3tokenizer", None)
    tokenizer = load_s3_tokenizer(FILE, CONFIG.model_copy(update={"source": "auto"}))
    assert isinstance(tokenizer.network, OnnxNetwork)
    with pytest.raises(ConfigError, match=r"does not import .* configs/environments/s3tokenizer.txt .* source: onnx"):
        load_s3_tokenizer(FILE, CONFIG.model_copy(update={"source": "package"}))


def test_missing_and_wrong_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match=r"there is no such file; download speech_tokenizer_v3\.onnx"):
        load_s3_tokenizer(tmp_path / "s3.onnx", CONFIG)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(FILE.read_bytes()[:1000])
    with pytest.raises(ConfigError, match="is not an ONNX file that onnxruntime reads"):
        load_s3_tokenizer(broken, CONFIG)
    with pytest.raises(ConfigError, match=r"a speech tokenizer takes mel \[1, 80, T\] and a length"):
        load_s3_tokenizer(FILE, CONFIG.model_copy(update={"mel": MelConfig(bands=80)}))
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match="needs onnxruntime; run 'pip install onnxruntime'"):
        load_s3_tokenizer(FILE, CONFIG)
