"""The server's token from a file: exactly one word, and no doubt which token counts."""

from pathlib import Path

import pytest

from configs.base import ConfigError
from runtime.cli.main import run
from runtime.cli.token_file import choose_token, read_token


@pytest.mark.parametrize("content", [b"s3cret", b"s3cret\n", b"  s3cret \r\n\n"])
def test_white_space_around_the_token_is_ignored(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "token").write_bytes(content)
    assert choose_token(None, tmp_path / "token") == "s3cret"
    assert choose_token("word", None) == "word"
    assert choose_token(None, None) is None


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"two words", b"two\nlines", b"caf\xc3\xa9", b"\xff", b"\0", b"a" * 4097]
)
def test_a_file_without_a_token_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match="holds no token") as caught:
        read_token(path)
    assert str(caught.value).startswith(str(path))


def test_what_cannot_be_read_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", "--token-file", str(tmp_path / "none")]) == 2
    assert capsys.readouterr().err == (
        f"error: --token-file: {tmp_path / 'none'}: there is no such file; check the path\n"
    )
    with pytest.raises(ConfigError, match="cannot be read"):
        read_token(tmp_path)


def test_two_tokens_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("from-the-file")
    monkeypatch.setenv("DUPLEX_TOKEN", "from-the-environment")
    assert run(["serve", "--token-file", str(tmp_path / "token")]) == 2
    error = capsys.readouterr().err
    assert "give one of them" in error
    assert "from-the-" not in error


def test_a_token_of_a_file_is_checked_like_any_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_text("abc")
    assert run(["serve", "--host", "0.0.0.0", "--token-file", str(tmp_path / "token")]) == 2
    assert "has 3 characters, which can be guessed" in capsys.readouterr().err
