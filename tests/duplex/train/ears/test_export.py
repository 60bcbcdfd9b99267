"""Which pieces of Whisper's vocabulary are kept, and their rows."""

from pathlib import Path

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Sequence, Split, WhitespaceSplit

from configs.model.ears import WhisperExport
from configs.model.model import EarsConfig
from duplex.model.layouts.tdm.ears import CONFIG, VOCABULARY, WEIGHTS
from duplex.model.text.whisper_vocabulary import TIMES, WhisperVocabulary
from duplex.model.weights.quantize import load
from duplex.train.ears import export

PRETRAINED = Path(__file__).parents[4] / "duplex" / "pretrained" / "mini"
OLD_SIZE = 51_864


def _tokenizer(pieces: dict[str, int]) -> Tokenizer:
    """Words as single pieces "Ġword"; every other number is a piece that nobody says."""
    vocabulary = {f"<{number}>": number for number in range(OLD_SIZE)}
    vocabulary = {name: number for name, number in vocabulary.items() if number not in pieces.values()} | pieces
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<0>"))
    tokenizer.pre_tokenizer = Sequence([WhitespaceSplit(), Split(pattern="_", behavior="removed")])
    return tokenizer


def test_pieces_that_people_say_stay() -> None:
    pieces = {"the": 5, "Zurich": 30_000, "Ġrare": 49_000, "Ġtable": 400, "x": 7, ".": 13, "Ġ...": 900, "Ġ{": 8}
    config = WhisperExport(least_words=1, largest_number=0)
    kept = export.choose_pieces(config, _tokenizer(pieces), ["the", "Zurich"], frozenset({7}))
    assert {5, 30_000, 400, 13, 900} <= set(kept)
    assert not {49_000, 7, 8, 123} & set(kept)
    assert kept == sorted(kept)


def test_a_piece_inside_words_needs_enough_words() -> None:
    tokenizer = _tokenizer({"one": 10, "often": 20})
    words = ["one_often", "two_often"]
    few, many = (
        export.choose_pieces(
            WhisperExport(least_words=count, common_capitals=0, largest_number=0), tokenizer, words, frozenset()
        )
        for count in (3, 2)
    )
    assert 20 in many
    assert 20 not in few


def test_rows_of_the_kept_pieces_then_control_tokens_then_times() -> None:
    table = torch.arange(OLD_SIZE).float()[:, None].expand(-1, 2)
    weights = {"model.decoder.embed_tokens.weight": table, "model.encoder.embed_positions.weight": table, "a": table}
    pruned = export.prune(weights, [3, 9])
    rows = pruned["model.decoder.embed_tokens.weight"][:, 0].int().tolist()
    assert rows[:5] == [3, 9, 50_256, 50_257, 50_361]
    assert rows[5:] == list(range(50_363, 50_363 + TIMES))
    assert set(pruned) == {"model.decoder.embed_tokens.weight", "a"}


def test_what_is_shipped_belongs_together() -> None:
    vocabulary = WhisperVocabulary.load(PRETRAINED / VOCABULARY)
    assert EarsConfig.from_yaml(PRETRAINED / CONFIG) == EarsConfig()
    rows = load(PRETRAINED / WEIGHTS)["model.decoder.embed_tokens.weight"]
    assert rows.shape == (len(vocabulary), EarsConfig().encoder.shape.dim)
    assert {"Ġwhat", "ĠWhat", "Ġlegs", "Ġminutes", "ĠMargaret", "Ġ27", "?", "'s"} <= set(vocabulary.pieces)
