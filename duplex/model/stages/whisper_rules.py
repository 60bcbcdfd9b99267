"""Rules for what Whisper may write next and when a transcript ends, as pure functions of what was written so far.

Source: the timestamp rules of openai/whisper, decoding.py; the stopping rules are our own, for clips that are not
padded to 30 s. Nothing here depends on networks.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from configs.model.ears import DecodingConfig
from duplex.model.text.spoken import list_spoken_words
from duplex.model.text.whisper_vocabulary import TIME_STEP_S, WhisperVocabulary

WordPieces = tuple[int, ...]
_FORBIDDEN = -math.inf
_ONE_OF = 4
"""Of so many words of a repetition that is broken off, one may differ from what it repeats. A sentence has as many."""


def forbid(logits: Tensor, written: Sequence[int], vocabulary: WhisperVocabulary, config: DecodingConfig) -> None:
    """Set the logits [V] of tokens that may not follow `written` to minus infinity, in place.

    As in openai/whisper: timestamps come in pairs except at the end and never decrease, the first token is one, and a
    timestamp is written as soon as all timestamps together are likelier than any text token.
    """
    first_time, end = vocabulary.first_time, vocabulary.end
    logits[vocabulary.start : first_time] = _FORBIDDEN
    if not written:
        logits[:first_time] = _FORBIDDEN
        logits[first_time + round(config.latest_start_s / TIME_STEP_S) + 1 :] = _FORBIDDEN
        return
    after_time = written[-1] >= first_time
    opened = after_time and (len(written) < 2 or written[-2] >= first_time)
    if opened:
        logits[first_time:] = _FORBIDDEN
        logits[end] = _FORBIDDEN if len(written) < 2 else logits[end]
        if vocabulary.blank is not None:
            logits[vocabulary.blank] = _FORBIDDEN
        return
    if after_time:
        logits[:end] = _FORBIDDEN
    newest = max((token for token in written if token >= first_time), default=first_time)
    logits[first_time : newest + (0 if after_time else 1)] = _FORBIDDEN
    if not after_time and float(logits[first_time:].logsumexp(0)) > float(logits[:first_time].max()):
        logits[:first_time] = _FORBIDDEN


def most_tokens(seconds: float, config: DecodingConfig) -> int:
    """How many tokens a clip of speech of `seconds` may have, including timestamps."""
    return max(config.least_tokens, math.ceil(config.tokens_per_s * seconds)) + 2


def is_over(written: Sequence[int], seconds: float, vocabulary: WhisperVocabulary, config: DecodingConfig) -> bool:
    """Whether nothing more is to be written for a clip of `seconds`, not counting the appended silence."""
    if not written:
        return False
    newest = written[-1]
    if newest == vocabulary.end or len(written) >= most_tokens(seconds, config):
        return True
    if newest >= vocabulary.first_time and len(written) > 1 and vocabulary.is_text(written[-2]):
        return vocabulary.seconds(newest) >= seconds - config.near_end_s
    return repeats(written, vocabulary, config.loop_tokens)


def repeats(written: Sequence[int], vocabulary: WhisperVocabulary, count: int) -> bool:
    """Whether the newest `count` tokens repeat the first `count` tokens, ignoring case: words that are certain already
    stand there in lower case."""
    pieces = [token for token in written if vocabulary.is_text(token)]
    first, newest = ([vocabulary.text([token]).lower() for token in some] for some in (pieces[:count], pieces[-count:]))
    return len(pieces) >= 2 * count and first == newest


def without_repeat(
    written: Sequence[int], seconds: float, vocabulary: WhisperVocabulary, config: DecodingConfig
) -> tuple[int, ...]:
    """`written` without its end token, and without words at its end that repeat its first words.

    Words are removed only if they cannot have been said: the transcript was broken off, or has more words than fit into
    `seconds`, or the same words fast and twice. Where it was broken off, the last word may be the beginning of one, and
    of four words one may differ.
    """
    kept = [token for token in written if token != vocabulary.end]
    is_broken_off = bool(kept) and vocabulary.is_text(kept[-1]) and len(kept) == len(written)
    words = words_of(kept, vocabulary)
    while is_broken_off or len(words) > config.words_per_s * seconds or _is_doubled(words, seconds, vocabulary, config):
        count = _count_repeated(words, vocabulary, is_broken_off)
        if not count:
            break
        kept, words = kept[: _place(kept, words, len(words) - count, vocabulary)], words[:-count]
    return tuple(kept)


def words_of(tokens: Sequence[int], vocabulary: WhisperVocabulary) -> list[WordPieces]:
    """Group the text tokens among `tokens` by written word; a word starts with a space or after a timestamp."""
    words: list[list[int]] = []
    after_time = True
    for token in tokens:
        if not vocabulary.is_text(token):
            after_time = True
            continue
        if after_time or vocabulary.starts_word(token) or not words:
            words.append([])
        words[-1].append(token)
        after_time = False
    return [tuple(word) for word in words]


def same(one: Sequence[WordPieces], other: Sequence[WordPieces], vocabulary: WhisperVocabulary) -> bool:
    """Whether both are the same spoken words, ignoring case and punctuation."""
    spoken = [[list_spoken_words(vocabulary.text(word)) for word in words] for words in (one, other)]
    return spoken[0] == spoken[1]


def stutters(tokens: Sequence[int], count: int, vocabulary: WhisperVocabulary) -> bool:
    """Whether a word occurs more than `count` times in a row."""
    words = list_spoken_words(vocabulary.text(tokens))
    return any(len(set(words[start : start + count + 1])) == 1 for start in range(len(words) - count))


def _count_repeated(words: Sequence[WordPieces], vocabulary: WhisperVocabulary, is_broken_off: bool) -> int:
    """How many words at the end repeat the first words: the longest such run that leaves a word."""
    equal = _nearly_same if is_broken_off else same
    counts = (count for count in range(len(words) // 2, 0, -1) if equal(words[-count:], words[:count], vocabulary))
    return next(counts, 0)


def _is_doubled(
    words: Sequence[WordPieces], seconds: float, vocabulary: WhisperVocabulary, config: DecodingConfig
) -> bool:
    """Whether a sentence stands there twice, faster than one says it twice."""
    count, odd = divmod(len(words), 2)
    is_fast = len(words) > config.doubled_words_per_s * seconds
    return is_fast and not odd and count >= _ONE_OF and same(words[:count], words[count:], vocabulary)


def _nearly_same(end: Sequence[WordPieces], begin: Sequence[WordPieces], vocabulary: WhisperVocabulary) -> bool:
    """Whether both are the same spoken words, but for one of four, and for what the last word of `end` lacks."""
    said, first = ([" ".join(list_spoken_words(vocabulary.text(word))) for word in words] for words in (end, begin))
    pairs = list(zip(said[:-1], first[:-1], strict=True))
    different = sum(one != other for one, other in pairs) + (not first[-1].startswith(said[-1]))
    return different * _ONE_OF <= len(said)


def _place(tokens: Sequence[int], words: Sequence[WordPieces], index: int, vocabulary: WhisperVocabulary) -> int:
    """Index in `tokens` at which the word `index` begins."""
    pieces = sum(len(word) for word in words[:index])
    places = [place for place, token in enumerate(tokens) if vocabulary.is_text(token)]
    return places[pieces]


def no_speech_probability(logits: Tensor, vocabulary: WhisperVocabulary) -> Tensor:
    """Probability [B] that nobody speaks, from logits [B, V] right after the start token (Radford et al. 2022, sec.
    2.3)."""
    return torch.softmax(logits, dim=-1)[:, vocabulary.no_speech]
