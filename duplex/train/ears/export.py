"""Recipe: exports Whisper tiny.en for the embedded model, in int8 and with a vocabulary reduced to what people say.

This module decides which tokens and weights are kept; it does not depend on how they are used.
"""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import torch
from tokenizers import Tokenizer

from configs.model.ears import WhisperExport
from configs.model.model import EarsConfig
from duplex.io.whole_files import write_text
from duplex.model.layouts.tdm.ears import CONFIG, VOCABULARY, WEIGHTS
from duplex.model.text.whisper_vocabulary import TIMES, WhisperVocabulary
from duplex.model.weights.quantize import save
from duplex.train.ears.read_ctranslate2 import Weights, package_model, read_ctranslate2, to_transformers

_EARS: Final = EarsConfig()
_EMBEDDING: Final = "model.decoder.embed_tokens.weight"
_COMPUTED: Final = "model.encoder.embed_positions.weight"
_END, _START, _NO_SPEECH, _FIRST_TIME = 50256, 50257, 50361, 50363
_SPACE: Final = "Ġ"
_WHOLE_WORD: Final = re.compile("Ġ[A-Z]?[a-z]+")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z'.-]*")


def run(config: WhisperExport, out: Path, ears: EarsConfig = _EARS) -> None:
    """Write Whisper's weights, its vocabulary and the configuration `ears` to the folder `out`.

    Raises:
        ConfigError: the weights in their package are incomplete.
    """
    folder = package_model()
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    suppressed = json.loads((folder / "config.json").read_text(encoding="utf-8"))["suppress_ids"]
    kept = choose_pieces(config, tokenizer, dictionary(), frozenset(suppressed))
    out.mkdir(parents=True, exist_ok=True)
    weights = prune(to_transformers(read_ctranslate2(folder / "model.bin")), kept)
    save(weights, out / WEIGHTS, metadata={"source": "openai/whisper-tiny.en", "licence": "MIT"})
    WhisperVocabulary([_piece(tokenizer, number) for number in kept]).save(out / VOCABULARY)
    write_text(out / CONFIG, ears.to_yaml())


def dictionary() -> list[str]:
    """Words of the American and British dictionaries of hibari-tts (misaki, Apache-2.0), in their own case."""
    import hibari

    words: set[str] = set()
    for name in ("us", "gb"):
        path = Path(hibari.__file__).parent / "assets" / f"lexicon_{name}_gold.json.gz"
        with gzip.open(path, "rt", encoding="utf-8") as file:
            words.update(word for word in json.load(file) if _WORD.fullmatch(word))
    return sorted(words)


def choose_pieces(
    config: WhisperExport, tokenizer: Tokenizer, words: Iterable[str], suppressed: frozenset[int]
) -> list[int]:
    """Old numbers of the tokens that are kept, in rising order; `suppressed` are those that Whisper never writes."""
    words = list(words)
    pieces = [_piece(tokenizer, number) for number in range(_END)]
    uses = _uses(tokenizer, words)
    kept = {number for number, count in uses.items() if pieces[number][0] == _SPACE or count >= config.least_words}
    kept |= {number for number in range(config.common_words) if _WHOLE_WORD.fullmatch(pieces[number])}
    capitals = _uses(tokenizer, (word.capitalize() for word in words if word.islower()))
    kept |= {number for number in capitals if number < config.common_capitals}
    kept |= set(_uses(tokenizer, _numbers(config.largest_number)))
    kept |= {number for number, piece in enumerate(pieces) if _is_sign(piece, config.signs)}
    return sorted(kept - suppressed)


def prune(weights: Mapping[str, torch.Tensor], kept: list[int]) -> Weights:
    """Weights with the rows of the kept tokens, end, start, no-speech and timestamps; computed positions are left
    out."""
    rows = [*kept, _END, _START, _NO_SPEECH, *range(_FIRST_TIME, _FIRST_TIME + TIMES)]
    left = {name: value for name, value in weights.items() if name != _COMPUTED}
    return left | {_EMBEDDING: weights[_EMBEDDING][torch.tensor(rows)]}


def _uses(tokenizer: Tokenizer, words: Iterable[str]) -> Counter[int]:
    """How many of the words use each token when they follow a space."""
    encoded = tokenizer.encode_batch([f" {word}" for word in words], add_special_tokens=False)
    return Counter(number for word in encoded for number in set(word.ids))


def _numbers(largest: int) -> Iterable[str]:
    for number in range(largest + 1):
        yield from (str(number), f"{number}th", f"{number}st", f"{number}nd", f"{number}rd", f"{number}s")


def _is_sign(piece: str, signs: str) -> bool:
    """Whether a token is a single ASCII character, or a contraction or sign with or without a space before it."""
    bare = piece.removeprefix("Ġ")
    single = len(piece) == 1 and piece.isascii()
    contraction = re.fullmatch(r"'[a-z]{1,2}", bare) is not None
    return single or contraction or (0 < len(bare) <= len("...") and all(sign in signs for sign in bare))


def _piece(tokenizer: Tokenizer, number: int) -> str:
    piece = tokenizer.id_to_token(number)
    assert piece is not None, f"Whisper's tokenizer has no piece {number}"
    return piece
