"""Looks at a language model (--llm): does it answer, and fast enough to talk to? Loads it; knows no terminal."""

import time
from collections.abc import Mapping
from typing import Any, Final

from configs.base import ConfigError
from configs.model.descriptions import describe_tdm
from configs.model.language_models import LanguageModelConfig, take_llm
from duplex.model.language_models.check import LlmReport, check_llm
from duplex.model.language_models.interface import LlmError
from runtime.cli.doctor.checks import Check

NAME: Final = "language model"
SLOWEST_TEXT_S: Final = 1.0
"""After the user's last word an answer is expected within this time."""
SLOWEST_PIECES: Final = 5.0
"""Pieces a second; speech takes about 3.9 words a second, and a piece is about one word."""


def check_language_model(changes: Mapping[str, Any], model: str = "mini") -> list[Check]:
    """The language model that `changes` or the model's description name, if one does: it is loaded, and asked one short
    question.

    `model`: hears and speaks; one that answers by itself takes no language model.
    """
    from duplex.model.funaudiochat.load_parts import describe

    try:
        tdm = describe_tdm(model)
        config = take_llm(dict(changes), tdm.llm)
        if config is None:
            return []
        if describe(tdm.checkpoint) is not None:
            return [Check(NAME, "fail", f"{model} answers by itself", "leave out --llm, or take --model mini")]
        return [judge(_ask(config))]
    except (ConfigError, LlmError) as error:
        return [Check(NAME, "fail", str(error))]


def judge(report: LlmReport) -> Check:
    """What one short answer says about conversations."""
    if report.error or report.first_text_s is None:
        return Check(NAME, "fail", report.error)
    speed = f", {report.pieces_per_s:.0f} pieces a second" if report.pieces_per_s else ""
    found = f"{report.name} answers after {report.first_text_s:.2f} s{speed}"
    if report.first_text_s > SLOWEST_TEXT_S:
        return Check(NAME, "warn", found, "users wait for answers; take a smaller model or a faster machine")
    if report.pieces_per_s is not None and report.pieces_per_s < SLOWEST_PIECES:
        return Check(NAME, "warn", found, "speech is faster, so answers pause; take a smaller model")
    return Check(NAME, "ok", found)


def _ask(config: LanguageModelConfig) -> LlmReport:
    from duplex.model.language_models.load_llm import load_llm
    from duplex.model.tools.load_tools import load_tools

    tools = load_tools(config.tools, config.tool_limits, live=True).definitions
    model = load_llm(config)
    try:
        return check_llm(model, time.monotonic, tools=tools)
    finally:
        model.close()
