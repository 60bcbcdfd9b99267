"""Learns the tokenizer and the truecasing table from the corpus. The command is `duplex train vocabulary`.

This module uses the corpus; it does not depend on models.
"""

import random
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Final

from configs.model.language import VocabularyConfig
from duplex.corpus.corpus import Corpus
from duplex.model.text.tokenizer import TextTokenizer
from duplex.model.text.truecase import Truecase, split

TOKENIZER: Final = "tokenizer.json"
TRUECASE: Final = "truecase.json"
CORES_READ = 4
"""Phrasings per fact whose words are counted; the others differ only in common words."""


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
    """All words of answers and phrasings, sorted, for recognition errors."""
    cores = (core for kind in corpus.kinds for fact in kind.facts for core in fact.cores[:CORES_READ])
    texts = chain(corpus.answers(), cores)
    return sorted({word for text in texts for word in split(text.lower()) if word.isalpha()})
