"""The items of the corpus: exchanges, dialogues, long turns."""

from dataclasses import dataclass

from duplex.corpus.grammar import as_heard, plain_words


@dataclass(frozen=True)
class Exchange:
    """One question or request and its answer.

    Attributes:
        user: what the user says, in true case and without punctuation, to be spoken.
        assistant: the answer in true case with punctuation; it may contain fill-in tokens such as `<|time|>`.
        kind: name of the kind of question.
        key: what must appear in a right answer; alternatives are separated by '|'.
        long: whether the answer is long enough to be interrupted.
        misheard: whether `user` is the output of a recognizer, so that no more errors must be added.
    """

    user: str
    assistant: str
    kind: str
    key: str
    long: bool = False
    misheard: bool = False

    @property
    def heard(self) -> str:
        """The user's words as the model reads them: lower case."""
        return as_heard(self.user)

    def right(self, answer: str) -> bool:
        """Whether `answer` contains the key, or without a key the whole canonical answer."""
        said = f" {' '.join(plain_words(answer))} "
        return any(f" {' '.join(plain_words(key))} " in said for key in (self.key or self.assistant).split("|"))


@dataclass(frozen=True)
class Dialogue:
    """Several exchanges under one system prompt (lower case, may be empty)."""

    prompt: str
    exchanges: tuple[Exchange, ...]


@dataclass(frozen=True)
class WrittenTurn:
    """A long turn as people speak it.

    Attributes:
        pieces: (text, mark) in order; mark c: a clause that goes on, s: a complete statement, q: a question,
            f: a filler. Between pieces people may pause.
        exchange: what the assistant answers; its user text is at the end of the turn.
    """

    pieces: tuple[tuple[str, str], ...]
    exchange: Exchange

    @property
    def heard(self) -> str:
        """All words of the turn as the model reads them."""
        return as_heard(" ".join(text for text, _ in self.pieces))
