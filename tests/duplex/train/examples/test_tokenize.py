"""Speech tokens of examples: whole answers, users as the live stream hears them, and runs that go on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from configs.base import ConfigError
from configs.model.speech_tokens import TokenWindowConfig
from configs.train.examples import ExamplesInfo, Split
from duplex.model.stages.token_window import TokenStream
from duplex.train.examples.example import Role, Turn
from duplex.train.examples.example_folder import INFO, ExampleFolder, ExampleWriter
from duplex.train.examples.shard_work import UNFINISHED, work_through
from duplex.train.examples.tokenize import ExampleTokenizer, fingerprint_files
from tests.duplex.train.examples.conftest import spoken

RATE, TOKEN = 16_000, 640
WINDOW = TokenWindowConfig(left_ms=200, right_ms=200)


class Loudness:
    """A token is how loud its 40 ms are, in tenths; it hears 80 samples beyond them."""

    vocabulary, token_samples, margin_samples = 11, TOKEN, 80

    def __init__(self) -> None:
        self.clips = 0

    def encode(self, pcm: Tensor) -> Tensor:
        self.clips += 1
        count = (pcm.shape[1] - self.margin_samples) // TOKEN
        return pcm[:, : count * TOKEN].unflatten(1, (count, TOKEN)).abs().amax(2).mul(10).round().long()


def tokenizer(*sides: Role, name: str = "loudness") -> ExampleTokenizer:
    return ExampleTokenizer(Loudness(), WINDOW, name, "f1", sides or ("assistant",))


def tokenize(
    source: ExampleFolder, out: Path, made: ExampleTokenizer, on_example: Callable[[], None] = lambda: None
) -> dict[Split, int]:
    """As the command does."""
    info = source.info_for(out).model_copy(update={"tokens": made.info})
    return work_through(source, out, info, "", lambda one: [made.tokenize(one, source)], on_example)


@pytest.fixture
def source(tmp_path: Path) -> ExampleFolder:
    """Three examples in two shards; the user gets louder, the answer softer."""
    up = np.linspace(0, 0.9, RATE)
    soundfile.write(tmp_path / "up.wav", up, RATE)
    soundfile.write(tmp_path / "down.wav", np.stack([up[::-1], up[::-1]], 1)[::2], RATE // 2)
    turns = (Turn("user", "Up?", "up.wav", 1.0, tokens=(9,)), Turn("assistant", "Down.", "down.wav"))
    with ExampleWriter(tmp_path / "in", ExamplesInfo(audio=".."), shard=2) as writer:
        writer.add(replace(spoken(f"e{number}"), turns=turns) for number in range(3))
    return ExampleFolder(tmp_path / "in")


def test_answers_get_the_tokens_of_their_whole_clip(source: ExampleFolder, tmp_path: Path) -> None:
    seen: list[None] = []
    counts = tokenize(source, tmp_path / "out", tokenizer(), lambda: seen.append(None))
    folder = ExampleFolder(tmp_path / "out")
    assert (counts, len(seen)) == ({"train": 3, "validation": 0}, 3)
    assert (folder.tokens.name, folder.tokens.vocabulary, folder.tokens.rate) == ("loudness", 11, 25.0)
    asked, said = next(folder.read("train")).turns
    wanted = 9 - 0.36 * np.arange(25)
    np.testing.assert_allclose(said.tokens[1:], wanted[1:], atol=0.6)  # the first has the ringing of the resampler
    assert len(said.tokens) == 25
    assert said.seconds == pytest.approx(1.0)
    assert asked.tokens == (), "they were of another tokenizer"
    assert folder.sound(asked).exists()
    assert not (tmp_path / "out" / UNFINISHED).exists()


def test_users_get_the_tokens_that_the_live_stream_hears(source: ExampleFolder, tmp_path: Path) -> None:
    tokenize(source, tmp_path / "out", tokenizer("user", "assistant"))
    asked, said = next(ExampleFolder(tmp_path / "out").read("train")).turns
    stream = TokenStream(Loudness(), WINDOW)
    pcm = torch.from_numpy(soundfile.read(tmp_path / "up.wav", dtype="float32")[0])
    assert asked.tokens == tuple(stream.encode(pcm).flatten().tolist())
    assert said.tokens


def test_a_run_that_was_stopped_goes_on_with_the_next_shard(source: ExampleFolder, tmp_path: Path) -> None:
    out, seen = tmp_path / "out", []

    def stop() -> None:
        seen.append(None)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tokenize(source, out, tokenizer(), stop)
    assert [path.name for path in out.glob("*.parquet")] == ["train-00000.parquet"]
    assert not (out / INFO).exists()
    again = tokenizer()
    assert tokenize(source, out, again)["train"] == 3
    assert again._tokenizer.clips == 1  # type: ignore[attr-defined]
    assert [one.id for one in ExampleFolder(out).read("train")] == ["e0", "e1", "e2"]


def test_a_run_of_another_tokenizer_is_not_mixed_in(source: ExampleFolder, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    info = source.info_for(out).model_copy(update={"tokens": tokenizer(name="another").info})
    (out / UNFINISHED).write_text(f"# \n{info.to_yaml()}")
    with pytest.raises(ConfigError, match="was begun with other examples or settings"):
        tokenize(source, out, tokenizer())
    with pytest.raises(ConfigError, match="holds examples already"):
        tokenize(source, source.folder, tokenizer())


def test_a_sound_that_cannot_be_read_is_named(source: ExampleFolder, tmp_path: Path) -> None:
    (tmp_path / "down.wav").write_bytes(b"RIFF")
    with pytest.raises(ConfigError, match=r"example e0: .*down\.wav"):
        tokenize(source, tmp_path / "out", tokenizer())


def test_a_fingerprint_is_that_of_the_content(tmp_path: Path, write_sound: Callable[[str, float], Path]) -> None:
    first, second = write_sound("a/x.wav", 0.1), write_sound("b/x.wav", 0.1)
    third = write_sound("c/x.wav", 0.2)
    assert fingerprint_files(first) == fingerprint_files(second) == fingerprint_files(tmp_path / "a")
    assert len({fingerprint_files(first), fingerprint_files(third), fingerprint_files(first, third)}) == 3
    with pytest.raises(ConfigError, match="cannot be read"):
        fingerprint_files(tmp_path / "no")
