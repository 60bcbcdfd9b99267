"""Learns the tokenizer and the table of true case from the corpus. The command is `duplex train vocabulary`.

Knows the corpus; knows nothing of models.
"""

import random
from collections import Counter
from pathlib import Path
from typing import Final

from configs.language import VocabularyConfig
from duplex.text.tokenizer import TextTokenizer
from duplex.text.truecase import Truecase, split
from duplex.train.text.corpus import Corpus

TOKENIZER: Final = "tokenizer.json"
TRUECASE: Final = "truecase.json"


def run(config: VocabularyConfig, out: Path) -> None:
    """Write `tokenizer.json` and `truecase.json` to the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    corpus = Corpus.build(config.corpus)
    TextTokenizer.train(config.tokenizer, word_counts(corpus, config)).save(out / TOKENIZER)
    Truecase.learn(corpus.answers()).save(out / TRUECASE)


def word_counts(corpus: Corpus, config: VocabularyConfig) -> Counter[str]:
    """How often words occur in answers (weighted), in questions, in long turns and in system prompts."""
    rng = random.Random(config.seed)
    counts: Counter[str] = Counter()
    for answer in corpus.answers():
        for word in split(answer.lower()):
            counts[word] += config.answer_weight
    for row in corpus.rows("train", rng, config.rows):
        counts.update(row.heard.split())
    for turn in corpus.turns(rng, config.turns):
        counts.update(turn.heard.split())
    for prompt in corpus.prompts():
        counts.update(split(prompt))
    return counts


def word_list(corpus: Corpus) -> list[str]:
    """All words of answers and of a seeded draw of questions, for recognition errors."""
    config = VocabularyConfig()
    counts = word_counts(corpus, config)
    return sorted(word for word in counts if word.isalpha())
