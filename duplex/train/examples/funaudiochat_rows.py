"""Training data of Fun-Audio-Chat: ShareGPT messages with a list of sounds, as its authors' `data_process.py` writes.

    {"system": ..., "messages": [{"role": "user", "content": "<|audio_bos|><|AUDIO|><|audio_eos|>"}, ...],
     "audio": ["{\"path\": ..., \"text\": ..., \"token\": ..., \"ref_path\": ..., \"ref_text\": ...}", ...]}

Each audio mark in a message stands for the next of the sounds. Messages with "from" and "value" are read too.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from configs.model.patterns import FUNAUDIOCHAT, Pattern
from configs.train.examples import SpeechTokensInfo
from duplex.io.whole_files import parse_json
from duplex.train.examples.example import Example, Role, Turn
from duplex.train.examples.source_rows import SourceError, SourceRow

TOKENS: Final = SpeechTokensInfo(name="S3Tokenizer v3 (CosyVoice 3)", vocabulary=6561)
_MARK: Final = "<|AUDIO|>"
_MARKS: Final = re.compile(r"(?:<\|audio_bos\|>)?<\|AUDIO\|>(?:<\|audio_eos\|>)?")
_CODE: Final = re.compile(r"\[AU(\d{1,6})\]")
_ROLES: Final = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "system": "system"}
_TEXT_ONLY: Final = FUNAUDIOCHAT.prompts[Pattern.S2T]


def is_row(row: SourceRow) -> bool:
    """Whether a row is of this format."""
    return isinstance(row.values.get("messages", row.values.get("conversations")), list)


def read(rows: Iterator[SourceRow]) -> Iterator[Example]:
    """Examples of rows; the paths of sound are those of the rows.

    Raises:
        SourceError: a row is not of this format.
    """
    for number, row in enumerate(rows):
        yield _example(row, number)


def _example(row: SourceRow, number: int) -> Example:
    messages = row.values.get("messages", row.values.get("conversations"))
    given = row.values.get("audio", row.values.get("audios")) or []
    if not isinstance(messages, list) or not isinstance(given, list):
        raise SourceError(f"{row.place}: 'messages' and 'audio' must be lists; is this Fun-Audio-Chat's format?")
    sounds = iter([_sound(one, row.place) for one in given])
    system, turns = row.text("system"), list[Turn]()
    for message in messages:
        role, content = _message(message, row.place)
        if role == "system":
            system = content
            continue
        turns.append(_turn(role, content, sounds, row.place))
    left = sum(1 for _ in sounds)
    if left:
        raise SourceError(f"{row.place}: {left} of its sounds are in no message; give each a {_MARK}")
    pattern = Pattern.S2T if system.startswith(_TEXT_ONLY) else None
    own = "" if system in FUNAUDIOCHAT.prompts.values() else system
    return Example(row.text("id") or f"{number:08d}", tuple(turns), system=own, pattern=pattern)


def _message(message: Any, place: str) -> tuple[str, str]:
    values = message if isinstance(message, dict) else {}
    role, content = values.get("role", values.get("from")), values.get("content", values.get("value"))
    if role not in _ROLES or not isinstance(content, str):
        raise SourceError(f"{place}: a message needs a role ({', '.join(_ROLES)}) and a text as content")
    return _ROLES[role], content


def _turn(role: str, content: str, sounds: Iterator[dict[str, str]], place: str) -> Turn:
    marks = content.count(_MARK)
    written = _MARKS.sub("", content).strip()
    side: Role = "user" if role == "user" else "assistant"
    if not marks:
        return Turn(side, written)
    if marks > 1:
        raise SourceError(f"{place}: a message has {marks} sounds; give each a message of its own")
    sound = next(sounds, None)
    if sound is None:
        raise SourceError(f"{place}: there are fewer sounds than {_MARK}; is the row complete?")
    said = sound["text"] or sound["ref_text"]
    codes = tuple(int(code) for code in _CODE.findall(sound["token"]))
    if codes and max(codes) >= TOKENS.vocabulary:
        raise SourceError(f"{place}: speech token {max(codes)} is not below {TOKENS.vocabulary}; another tokenizer?")
    return Turn(side, f"{said}\n{written}".strip(), sound["path"] or sound["ref_path"], tokens=codes)


def _sound(given: Any, place: str) -> dict[str, str]:
    try:
        values = parse_json(given) if isinstance(given, str) else given
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise SourceError(f"{place}: a sound in 'audio' is no JSON object; is this Fun-Audio-Chat's format?")
    return {name: str(values.get(name) or "") for name in ("path", "text", "token", "ref_path", "ref_text")}
