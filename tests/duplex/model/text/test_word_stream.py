"""Words out of text that grows piece by piece."""

import pytest

from duplex.model.text.word_stream import WordStream


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The capital of France is Paris.", ["The", "capital", "of", "France", "is", "Paris."]),
        ("It's 3.5 km, I think!", ["It's", "3.5", "km,", "I", "think!"]),
        ("你好，世界。", ["你", "好，", "世", "界。"]),
        ("我用 Python 写。", ["我", "用", "Python", "写。"]),
        ("  two\n\nlines ", ["two", "lines"]),
        ("", []),
    ],
)
def test_pieces_of_any_size_give_the_same_words(text: str, words: list[str]) -> None:
    for size in (1, 2, 3, 100):
        stream = WordStream()
        found = [word for start in range(0, len(text), size) for word in stream.push(text[start : start + size])]
        found += stream.end()
        assert found == stream.words == words


def test_a_word_is_given_when_something_follows_it() -> None:
    stream = WordStream()
    assert stream.push("hel") == []
    assert stream.push("lo") == []
    assert stream.push(" wor") == ["hello"]
    assert stream.push("ld. ") == ["world."]
    assert stream.end() == []


def test_the_text_up_to_a_word_is_what_was_written() -> None:
    stream = WordStream()
    stream.push("One,  two — 三四。 five")
    stream.end()
    assert [stream.until(count) for count in range(7)] == [
        "",
        "One,",
        "One,  two",
        "One,  two —",
        "One,  two — 三",
        "One,  two — 三四。",
        "One,  two — 三四。 five",
    ]
