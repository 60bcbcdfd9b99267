"""Decides by a rule which questions of an external set are in the domain of our corpus.

A question asks for a fact if it contains the content words of one of the fact's phrasings (at least two of them, or all
of the question's). The question is

- "in" the domain if our answer to a fact it asks for would be scored right against the published answer,
- "disputed" if there is no such fact, but one it asks for shares most of the question's content words: the corpus has
  this question with another answer,
- "outside" otherwise.

The rule is ours. Nothing here depends on sound or models.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Literal

from configs.model.language import CorpusConfig
from duplex.corpus.corpus import Corpus
from duplex.eval.measures.text_match import exist_match_norm, normalise

Coverage = Literal["in", "disputed", "outside"]

_FUNCTION_WORDS = (
    "and are as at be been by called can could did do does famous for from get give got had has have he "
    "how i id if im in is it its know known long many me much my name of old on or please say she should "
    "so tell than that then there these they this those to us was we were what whats when where wheres "
    "which who whos whose why will with world would you your "
)
_LEAST = 2
_MOST = 0.7
_FUNCTION_SET = frozenset(_FUNCTION_WORDS.split())


class Domain:
    """The corpus' facts by their content words."""

    def __init__(self, corpus: Corpus) -> None:
        self._answers: dict[frozenset[str], set[str]] = {}
        for kind in corpus.kinds:
            for fact in kind.facts:
                for words in {content_words(core) for core in fact.cores}:
                    self._answers.setdefault(words, set()).update(fact.answers)

    def place(self, question: str, answer: str) -> Coverage:
        """The domain of a question with this published answer."""
        words = content_words(question)
        asked = list(self._find_asked(words))
        if any(exist_match_norm(said, answer) for _, answers in asked for said in answers):
            return "in"
        same = any(len(core) >= _MOST * len(words) for core, _ in asked)
        return "disputed" if same else "outside"

    def _find_asked(self, question: frozenset[str]) -> Iterator[tuple[frozenset[str], set[str]]]:
        """Content words and answers of all facts that the question asks for."""
        for words, answers in self._answers.items():
            if words == question or (len(words) >= _LEAST and words <= question):
                yield words, answers


@cache
def corpus_domain() -> Domain:
    """The domain of the present corpus; read once."""
    return Domain(Corpus.build(CorpusConfig()))


def content_words(text: str) -> frozenset[str]:
    """Words of a text that carry its meaning, without plural endings."""
    return frozenset(_stems(word for word in normalise(text) if word not in _FUNCTION_SET))


def _stems(words: Iterable[str]) -> Iterator[str]:
    for word in words:
        plural = len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is"))
        yield word[:-1] if plural else word
