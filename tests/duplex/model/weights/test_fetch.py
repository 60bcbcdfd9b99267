"""What is fetched before a model is loaded."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from configs.base import ConfigError
from duplex.model.weights import fetch as fetching
from duplex.model.weights.fetch import fetch
from duplex.model.weights.hub import CHAT_FILES, DETOKENIZER_FILES

Fetched = list[tuple[str, Sequence[str] | None]]


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fetched:
    """Every repository is a folder with a file of voices."""
    calls: Fetched = []
    (tmp_path / "spk2info.pt").touch()

    def folder_of(source: str, patterns: Sequence[str] | None) -> Path:
        calls.append((source, patterns))
        return tmp_path

    monkeypatch.setattr(fetching, "folder_of", folder_of)
    return calls


def test_a_described_model_has_two_repositories(fetched: Fetched, tmp_path: Path) -> None:
    wanted = [
        ("FunAudioLLM/Fun-CosyVoice3-0.5B-2512", DETOKENIZER_FILES),
        ("FunAudioLLM/Fun-Audio-Chat-8B", CHAT_FILES),
    ]
    for name in ("funaudiochat-8b", "FunAudioLLM/Fun-Audio-Chat-8B"):
        fetched.clear()
        fetch(name, {})
        assert fetched == wanted
    fetched.clear()
    fetch("funaudiochat-8b", {"detokenizer": str(tmp_path)})
    assert fetched == wanted[1:]


def test_what_is_here_is_not_fetched(fetched: Fetched, tmp_path: Path) -> None:
    for name in ("mini", "tiny", "funaudiochat-tiny", "scripted-vad", str(tmp_path), "no such thing"):
        fetch(name, {})
    assert fetched == []


def test_another_repository_is_fetched_whole(fetched: Fetched) -> None:
    fetch("somebody/something", {})
    assert fetched == [("somebody/something", None)]


def test_a_wrong_change_is_said_before_anything_is_fetched(fetched: Fetched) -> None:
    with pytest.raises(ConfigError, match="funaudiochat-8b: unknown key 'devize'"):
        fetch("funaudiochat-8b", {"devize": "cuda"})
    assert fetched == []


def test_missing_voices_are_said_before_the_large_repository_is_fetched(fetched: Fetched, tmp_path: Path) -> None:
    (tmp_path / "spk2info.pt").unlink()
    with pytest.raises(ConfigError, match=r"has no voices .* with --set speakers=FILE"):
        fetch("funaudiochat-8b", {})
    assert [source for source, _ in fetched] == ["FunAudioLLM/Fun-CosyVoice3-0.5B-2512"]
    fetch("funaudiochat-8b", {"speakers": str(tmp_path / "voices.pt")})
    assert len(fetched) == 3
