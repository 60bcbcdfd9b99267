"""Text of a published LLM: bytes to words, special tokens that text can never produce, errors."""

from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE

from configs.base import ConfigError
from configs.model.family import ByteTextConfig
from duplex.model.families.byte_text import ByteTokenizer, StreamWriting, add_special, read_tokenizer
from tests.duplex.model.families.published import write_tokenizer


@pytest.fixture
def tokenizer(tmp_path: Path) -> ByteTokenizer:
    write_tokenizer(tmp_path)
    found = read_tokenizer(tmp_path / "tokenizer.json")
    add_special(found, ["<|sil|>"])
    return ByteTokenizer(found, ByteTextConfig(), "here")


def test_words_are_complete_when_something_follows(tokenizer: ByteTokenizer) -> None:
    writing = StreamWriting(tokenizer)
    words = [writing.push(index) for index in tokenizer.encode("Zoë, 你好 ok")]
    assert [word for new in words for word in new] == ["Zoë,", "你", "好"]
    assert writing.end() == ["ok"]


def test_special_tokens_are_no_text(tokenizer: ByteTokenizer) -> None:
    assert len(tokenizer.encode("<|im_end|>")) == len("<|im_end|>")
    writing = StreamWriting(tokenizer)
    assert [writing.push(index) for index in (tokenizer.sil, tokenizer.eos)] == [[], []]
    assert writing.end() == []


def test_a_prompt_stands_in_its_form_and_no_prompt_is_nothing(tokenizer: ByteTokenizer) -> None:
    ids = tokenizer.prompt("<|im_end|>")
    assert ids.count(tokenizer.eos) == 1
    assert ids[1 : -1 - 10 - 1] == tokenizer.encode("system\n")
    assert tokenizer.prompt("") == []


def test_no_answer_contains_special_tokens_but_its_end(tokenizer: ByteTokenizer) -> None:
    assert tokenizer.hold == tokenizer.sil
    assert tokenizer.sil in tokenizer.never
    assert tokenizer.eos not in tokenizer.never
    assert tokenizer.size == max(tokenizer.never) + 1


def test_a_saved_tokenizer_is_read_back(tokenizer: ByteTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "t.json")
    back = ByteTokenizer.from_file(tmp_path / "t.json", ByteTextConfig())
    assert (back.prompt("a b"), back.sil, back.size) == (tokenizer.prompt("a b"), tokenizer.sil, tokenizer.size)


def test_a_missing_token_and_another_kind_are_named(tokenizer: ByteTokenizer, tmp_path: Path) -> None:
    tokenizer.save(tmp_path / "t.json")
    with pytest.raises(ConfigError, match=r"t\.json: has no token <\|quiet\|>"):
        ByteTokenizer.from_file(tmp_path / "t.json", ByteTextConfig(sil="<|quiet|>"))
    pieces = Tokenizer(BPE(vocab={"▁a": 0}, merges=[]))
    add_special(pieces, ["<|im_end|>", "<|sil|>"])
    with pytest.raises(ConfigError, match=r"is not a byte-level tokenizer \('▁a'\)"):
        ByteTokenizer(pieces, ByteTextConfig(), "here")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(ConfigError, match="is not a tokenizer file"):
        read_tokenizer(tmp_path / "broken.json")
