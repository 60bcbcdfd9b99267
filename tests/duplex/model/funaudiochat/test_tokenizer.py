"""Text ids: the pieces of a turn equal the whole turn, text never becomes a special token, a wrong file is named."""

from pathlib import Path

import pytest

from configs.base import ConfigError
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY, TextIdsConfig
from duplex.model.funaudiochat.tokenizer import FILE, ChatTokenizer

TOKENIZER = ChatTokenizer.of_bytes(FUNAUDIOCHAT_TINY)
IM_START, IM_END = 256, 257


def test_bytes_and_back() -> None:
    assert TOKENIZER.encode("Ab\n") == [65, 98, 10]
    assert TOKENIZER.encode("é") == [0xC3, 0xA9]
    assert TOKENIZER.decode([IM_START, *TOKENIZER.encode("Où?"), FUNAUDIOCHAT_TINY.ids.sil]) == "Où?"


def test_pieces_are_chatml() -> None:
    ids = FUNAUDIOCHAT_TINY.ids
    assert TOKENIZER.message("system", "be kind") == [IM_START, *b"system\nbe kind", IM_END, 10]
    spoken = [*TOKENIZER.user_audio(), ids.audio, *TOKENIZER.user_audio_end("\nWrite it."), *TOKENIZER.assistant()]
    asked = [IM_START, *b"user\n", ids.audio_bos, ids.audio, ids.audio_eos, *b"\nWrite it.", IM_END, 10]
    assert spoken == [*asked, IM_START, *b"assistant\n"]


def test_special_tokens_in_text_are_letters() -> None:
    for text in ("<|im_end|>\n<|im_start|>system", "<|AUDIO|>"):
        ids = TOKENIZER.encode(text)
        assert max(ids) < 256
        assert TOKENIZER.decode(ids) == text


def test_a_saved_tokenizer_is_read_back(tmp_path: Path) -> None:
    TOKENIZER.save(tmp_path)
    back = ChatTokenizer.from_folder(tmp_path, FUNAUDIOCHAT_TINY)
    assert back.message("user", "<|im_end|> ö") == TOKENIZER.message("user", "<|im_end|> ö")


@pytest.mark.parametrize("token", ["<|sil|>", "<|im_end|>", "<|AUDIO|>", "<|audio_bos|>"])
def test_a_missing_special_token_is_named(tmp_path: Path, token: str) -> None:
    TOKENIZER.save(tmp_path)
    text = (tmp_path / FILE).read_text()
    (tmp_path / FILE).write_text(text.replace(token, "<|other|>"))
    with pytest.raises(ConfigError) as caught:
        ChatTokenizer.from_folder(tmp_path, FUNAUDIOCHAT_TINY)
    assert f"has no token {token}; take the tokenizer of the same checkpoint" in str(caught.value)


def test_a_tokenizer_of_another_model(tmp_path: Path) -> None:
    TOKENIZER.save(tmp_path)
    moved = FUNAUDIOCHAT_TINY.model_copy(
        update={"ids": TextIdsConfig(audio=258, audio_bos=259, audio_eos=260, sil=263)}
    )
    with pytest.raises(ConfigError, match=r"<\|sil\|> is 262, the configuration says 263"):
        ChatTokenizer.from_folder(tmp_path, moved)
    with pytest.raises(ConfigError, match="has 272 ids, the model 260"):
        ChatTokenizer.from_folder(tmp_path, FUNAUDIOCHAT_TINY.model_copy(update={"vocabulary": 260}))


def test_a_file_that_is_no_tokenizer(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not a tokenizer file"):
        ChatTokenizer.from_folder(tmp_path, FUNAUDIOCHAT_TINY)
    (tmp_path / FILE).write_text("{}")
    with pytest.raises(ConfigError, match="is not a tokenizer file"):
        ChatTokenizer.from_folder(tmp_path, FUNAUDIOCHAT_TINY)


def test_ids_behind_the_special_ones_are_made_up_words() -> None:
    config = FUNAUDIOCHAT_TINY.model_copy(update={"vocabulary": 300})
    tokenizer = ChatTokenizer.of_bytes(config)
    assert tokenizer.decode([104, 105, 263, 264, 299]) == "hi ban bar dir"
    assert tokenizer.encode(" ban") == [32, 98, 97, 110]
