"""The seven interaction patterns and the words in which models know them: system prompts, instructions, tools.

This module holds names and texts, no models. Prompts are word for word those of training: the papers' (DrVoice,
Table 5; OmniDRCA, Table 9) and those that Fun-Audio-Chat-8B was published with.
"""

from enum import StrEnum
from typing import Final, Literal

from configs.base import Config, ConfigError

AnswerPart = Literal["transcription", "text", "text and speech"]
"""What a part of an answer is."""


class Pattern(StrEnum):
    """How a turn goes: the user's input, the steps in between, and the assistant's output (DrVoice, Table 5)."""

    S2M = "S2M"
    S2T = "S2T"
    T2M = "T2M"
    T2T = "T2T"
    STC = "STC"
    SAC = "SAC"
    SUC = "SUC"

    @classmethod
    def by_name(cls, name: str) -> "Pattern":
        """Find a pattern by its name, in upper or lower case.

        Raises:
            ConfigError: there is no such pattern.
        """
        try:
            return cls(name.upper())
        except ValueError:
            raise ConfigError(f"unknown pattern '{name}'; choose one of {', '.join(cls)}") from None

    @property
    def hears(self) -> bool:
        """Whether the user speaks; otherwise the user writes."""
        return self not in (Pattern.T2M, Pattern.T2T)

    @property
    def steps(self) -> tuple[AnswerPart, ...]:
        """Parts of the answer, in their order."""
        return _STEPS[self]

    @property
    def speaks(self) -> bool:
        """Whether the answer is spoken; otherwise it is text alone."""
        return "text and speech" in self.steps

    @property
    def writes_first(self) -> bool:
        """Whether a written part comes before speech."""
        return self.speaks and len(self.steps) > 1


_STEPS: Final[dict[Pattern, tuple[AnswerPart, ...]]] = {
    Pattern.S2M: ("text and speech",),
    Pattern.S2T: ("text",),
    Pattern.T2M: ("text and speech",),
    Pattern.T2T: ("text",),
    Pattern.STC: ("transcription", "text", "text and speech"),
    Pattern.SAC: ("text", "text and speech"),
    Pattern.SUC: ("transcription", "text and speech"),
}


class Wording(Config):
    """How a family of checkpoints is told the pattern. `untested`: patterns without a published prompt for them."""

    name: str
    prompts: dict[Pattern, str]
    untested: frozenset[Pattern] = frozenset()

    def note(self, pattern: Pattern) -> str:
        """What someone who picks `pattern` should know; "" if there is nothing to say."""
        if pattern not in self.untested:
            return ""
        return f"{pattern} has the papers' prompt; {self.name} was not published with it: what it gives is untested"


_BOTH: Final = "You are a helpful assistant and asked to generate both text and speech tokens at the same time."
_TEXT: Final = "You are a helpful assistant and asked to generate text tokens."
_THINK: Final = "You are a helpful assistant. Let's think step by step. "

PAPERS: Final = Wording(
    name="the papers' models",
    prompts={
        Pattern.S2M: _BOTH,
        Pattern.T2M: _BOTH,
        Pattern.S2T: _TEXT,
        Pattern.T2T: _TEXT,
        Pattern.STC: _THINK
        + "Convert speech to text if the query is speech, think of an appropriate text response, and then convert the "
        "response back to both text and speech tokens at the same time.",
        Pattern.SAC: _THINK
        + "Think of an appropriate text response, and then convert the response back to both text and speech tokens at "
        "the same time.",
        Pattern.SUC: _THINK
        + "Convert speech to text if the query is speech, and then think of both appropriate text and speech responses "
        "at the same time.",
    },
)
"""DrVoice, Table 5; OmniDRCA, Table 9."""

_RELEASED_BOTH: Final = "You are asked to generate both text and speech tokens at the same time."
_RELEASED_TEXT: Final = "You are asked to generate text tokens."

FUNAUDIOCHAT: Final = Wording(
    name="Fun-Audio-Chat",
    prompts=PAPERS.prompts
    | {
        Pattern.S2M: _RELEASED_BOTH,
        Pattern.T2M: _RELEASED_BOTH,
        Pattern.S2T: _RELEASED_TEXT,
        Pattern.T2T: _RELEASED_TEXT,
    },
    untested=frozenset({Pattern.STC, Pattern.SAC, Pattern.SUC}),
)
"""Fun-Audio-Chat-8B (Apache-2.0) as its authors run it; they give no example of the three patterns that think first."""

SPOKEN_PERSONA: Final = (
    "你的名字是小云。你是一位来自杭州的温柔友善的女孩，声音甜美，举止亲切。你的回复语气自然友好，力求沟通简洁明了。"
    "你的回复简短，通常只有一到三句话，避免使用正式的称谓和重复的短语。你能用恰当的声音回复，遵循用户的指示，"
    "并能共情他们的情绪。你能用恰当的方言回复，会说四川话和粤语。"
)
"""What Fun-Audio-Chat's authors add to the S2M prompt for spoken conversation: a friendly voice, short answers."""

TOOLS_SECTION: Final = """
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{tools}
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>"""
"""Follows the system prompt if tools are offered; `{tools}` stands for their definitions, one per line."""

TRANSCRIBE: Final = "Please help me transcribe the audio."
"""Request for speech recognition from Fun-Audio-Chat, under the S2T prompt."""

CHOOSE: Final = " Choose the correct option from the following options:"
"""Follows a multiple-choice question about a recording, under the S2T prompt."""


def wording_of(model: str) -> Wording:
    """Wording for a checkpoint, by the name of its configuration."""
    return FUNAUDIOCHAT if model.startswith("funaudiochat") else PAPERS


def system_prompt(wording: Wording, pattern: Pattern, persona: str = "") -> str:
    """The prompt of a pattern, followed by a persona."""
    return " ".join(filter(None, (wording.prompts[pattern], persona)))


def multiple_choice(question: str, options: list[str]) -> str:
    """A question about a recording, with its options lettered (A), (B), ...

    Raises:
        ConfigError: there are more options than letters.
    """
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    if len(options) > len(letters):
        raise ConfigError(f"{len(options)} options are more than there are letters; give at most {len(letters)}")
    lines = "".join(f"\n({letter}){option}" for letter, option in zip(letters, options, strict=False))
    return f"{question}{CHOOSE}{lines}" if options else question
