"""A language model that answers in place of the embedded mind: where it is, and how it is asked."""

from typing import Any, Literal

from pydantic import Field

from configs.base import Config, ConfigError
from configs.model.tools import ToolsConfig

LOG = "log"
LLM = "llm."
"""What the keys of its values begin with, where they stand among other values of a model."""
LOCAL_CONTEXT, SERVER_CONTEXT = 2048, 8192
"""Tokens of a conversation where none are set."""
PERSONA = (
    "You are the voice of a spoken conversation. The user hears what you write and cannot see it. Answer the question "
    "first, in one to three short sentences of plain spoken English. Use no lists, headings, Markdown, code, emoji or "
    "web addresses. If you do not know something, say so. Ask a question back only when you cannot answer without it."
)
"""The default system prompt: answers for the ear."""
TOOL_PROMPT = (
    "You may call functions. Call one whenever it knows better than you do, and never say that you will call one "
    "without calling it. If it may take a while, first say in a few words that you are looking it up. Tell the result "
    "in plain words, and if a call fails, say so in plain words."
)
"""Follows the system prompt where there are functions."""


class LanguageModelConfig(Config):
    """Which language model answers, and how.

    Attributes:
        source: "smollm2", a folder, a hub id, a GGUF file, or the address of an OpenAI-compatible server
            (`https?://.../v1`); "log" asks nobody and takes what a slot log holds.
        model: the model's name at a server; None takes the only one that it has.
        answers: "all" questions, or "unknown": those that the embedded mind would refuse.
        system_prompt: of conversations that bring none.
        temperature, top_p: how a local model's tokens are chosen; temperature 0 is greedy. A server gets both.
        repetition_penalty: of a local model: tokens that its answer already has become less likely, which leads small
            models out of loops. 1 is none; None takes what suits the model.
        seed: of a local model's draws. With the same seed, the same messages get the same answer.
        longest: tokens of an answer.
        context: tokens of a conversation with its answer; the oldest turns leave first. None takes `LOCAL_CONTEXT` for
            a local model, whose memory and first answer grow with it, and `SERVER_CONTEXT` for a server, which may
            bill each token and cuts off what it cannot read; there, tokens are estimated.
        speculate: begin an answer before the end of the user's turn is decided, and drop it when words change; None
            does so for local models, because servers may cost money.
        threads: CPU cores that a local model may use.
        device, dtype: of a local model; "auto" takes a GPU where there is one, and what suits the device.
        first_text_s, next_text_s: how long a server may take for the first text of an answer, and between two pieces.
        heard_fraction: a word that was cut counts as heard when at least this much of it sounded.
        begins_thinking: answers begin inside a thought, because the model's template writes the opening mark into the
            prompt; they are spoken from the closing mark on. Without it, the first answer of that kind shows it.
        key_variable: environment variable that holds a server's key.
        tools: functions that it may call: "examples", names of examples, or `module:function`.
        tool_limits: how they are run.
        tool_prompt: follows the system prompt where there are functions.
    """

    source: str = Field(min_length=1)
    model: str | None = None
    answers: Literal["all", "unknown"] = "all"
    system_prompt: str = PERSONA
    temperature: float = Field(default=0.0, ge=0, le=2)
    top_p: float = Field(default=1.0, gt=0, le=1)
    repetition_penalty: float | None = Field(default=None, ge=1, le=2)
    seed: int = 0
    longest: int = Field(default=160, ge=1)
    context: int | None = Field(default=None, ge=64)
    speculate: bool | None = None
    threads: int = Field(default=1, ge=1)
    device: str = "auto"
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    first_text_s: float = Field(default=30.0, gt=0)
    next_text_s: float = Field(default=10.0, gt=0)
    heard_fraction: float = Field(default=0.5, ge=0, le=1)
    begins_thinking: bool = False
    key_variable: str = "OPENAI_API_KEY"
    tools: tuple[str, ...] = ()
    tool_limits: ToolsConfig = ToolsConfig()
    tool_prompt: str = TOOL_PROMPT

    @property
    def as_logged(self) -> "LanguageModelConfig":
        """The same, for a replay: nobody is asked, and no function is called."""
        return self.model_copy(update={"source": LOG, "speculate": self.speculates, "tools": ()})

    @property
    def context_tokens(self) -> int:
        """Tokens of a conversation with its answer."""
        return self.context or (SERVER_CONTEXT if self.is_server else LOCAL_CONTEXT)

    @property
    def is_server(self) -> bool:
        """Whether `source` is the address of a server."""
        return self.source.startswith(("http://", "https://"))

    @property
    def speculates(self) -> bool:
        """Whether answers begin before the user's turn has certainly ended."""
        return not self.is_server if self.speculate is None else self.speculate


def take_llm(changes: dict[str, Any], described: LanguageModelConfig | None = None) -> LanguageModelConfig | None:
    """The described language model, with the values of `changes` whose keys begin with "llm."; those are taken out.

    Where they name another source, the name of the described model at its server is not kept.

    Raises:
        ConfigError: no language model is named, or a key or a value is wrong.
    """
    given = {key: changes.pop(key) for key in list(changes) if key.startswith(LLM)}
    values = {key.removeprefix(LLM): value for key, value in given.items()}
    if not values:
        return described
    if described is None and "source" not in values:
        raise ConfigError("no language model is named; add --llm, for example --llm smollm2")
    kept = described.model_dump(exclude={"model"} if "source" in values else None) if described else {}
    return LanguageModelConfig.from_mapping({**kept, **values}, "--set llm")
