"""Training examples on disk: what a folder of them says about itself, and how dialogues become two channels."""

from typing import Literal

from pydantic import Field

from configs.base import Config, Range

Split = Literal["train", "validation"]


class SpeechTokensInfo(Config):
    """What the speech tokens of a folder's examples are.

    Attributes:
        name: of the tokenizer, for people.
        vocabulary: number of different tokens; of a token of several digits, number of values of a digit.
        digits: numbers that make a token.
        rate: tokens a second.
        fingerprint: of the tokenizer's weights and configuration; "" where the source did not say.
    """

    name: str
    vocabulary: int = Field(ge=2)
    digits: int = Field(default=1, ge=1)
    rate: float = Field(default=25.0, gt=0)
    fingerprint: str = ""


class ExamplesInfo(Config):
    """`examples.yaml` of a folder of examples. `audio`: where its paths of sound begin, seen from the folder."""

    version: Literal[1] = 1
    tokens: SpeechTokensInfo | None = None
    audio: str = "."


class FilterConfig(Config):
    """Which examples are left out. Times in seconds, of a turn that sounds.

    Attributes:
        shortest_s, longest_s: turns beyond are too short or too long.
        languages: other ones are left out; empty: none is.
        most_word_errors: word error rate of a turn's sound against its text; None: it is not listened to.
    """

    shortest_s: float = Field(default=0.2, ge=0.0)
    longest_s: float = Field(default=60.0, gt=0.0)
    languages: tuple[str, ...] = ()
    most_word_errors: float | None = Field(default=None, ge=0.0)


class TwoChannelConfig(Config):
    """How turns become a dialogue of two channels (OmniDRCA, Appendix A). Times in seconds.

    Attributes:
        first: before the first turn.
        gap: from the end of a user's turn to the answer; the paper's 0 to 400 ms.
        between: from the end of an answer to the user's next turn.
        cut_share: share of the answers, of those that another turn follows, that are cut.
        cut_after: when the user begins to speak over a cut answer, as a share of its length.
        stop: how long the assistant speaks on after that.
        dialogue_s: other examples are appended until a dialogue is so long.
    """

    first: Range = (0.2, 1.5)
    gap: Range = (0.0, 0.4)
    between: Range = (0.5, 3.0)
    cut_share: float = Field(default=0.5, ge=0.0, le=1.0)
    cut_after: Range = (0.1, 0.8)
    stop: Range = (0.2, 0.4)
    dialogue_s: float = Field(default=30.0, gt=0.0)
