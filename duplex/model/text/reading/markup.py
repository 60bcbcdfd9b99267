"""Markdown and line breaks: headings, lists, tables and code fences lose their markup, and end like sentences."""

import re
from typing import Final

from duplex.model.text.reading.rules import STOP, Rule, Said, after, rule

_MARKED: Final = re.compile(r"[ \t]*(?:#{1,6}\s|[-*•]\s|>|\||\d{1,3}[.)]\s|`{3})")


def _line_break(match: re.Match[str]) -> Said:
    """A long pause at an empty line and around headings, list items and table rows; none within a paragraph."""
    text, begin = match.string, match.start()
    line = text[text.rfind("\n", 0, begin) + 1 : begin]
    if not line.strip(" \t|-:*_`~=#>"):
        return ""
    is_end = match.group().count("\n") > 1 or _MARKED.match(line) or _MARKED.match(after(match))
    return STOP if is_end and not re.search(r"[.?!,][\"')\]*_`]*$", line) else ""


def _at_line_start(match: re.Match[str]) -> bool:
    text = match.string
    return not text[text.rfind("\n", 0, match.start()) + 1 : match.start()].strip(" \t>")


def _silent_marker(match: re.Match[str]) -> Said:
    return "" if _at_line_start(match) else None


SIGN_RULES: Final[tuple[Rule, ...]] = (
    rule(r"[ \t]*(?:\r\n?|\n|\v|\f|[\x1c-\x1e\x85\u2028\u2029])\s*", _line_break),
    rule(r"\s+", ""),
    rule(r"#{1,6}(?=\s)", _silent_marker),
    rule(r">+ ?", _silent_marker),
    rule(r"[-*•][ \t]+", _silent_marker),
    rule(r"[-=_*]{3,}(?=\s*(?:\n|$))", _silent_marker),
    rule(r"!(?=\[)", ""),
    rule(r"\](?=\()", ""),
    rule(r"[|](?=\s*[^\s|\-:])", lambda match: "" if _at_line_start(match) else ","),
)
