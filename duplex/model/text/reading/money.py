"""Amounts of money: $1.5 million, £3.20, €5, 5 €, ¥500, US$20, 20 USD, $5M, $5-10."""

import re
from typing import Final, NamedTuple

from duplex.model.text.reading.amounts import NUMBER, SCALES, amount
from duplex.model.text.reading.rules import LEFT, RIGHT, Rule, Said, SaidPart, alternatives, before, rule


class _Currency(NamedTuple):
    """Words for one, for many, and for one and many hundredths, if those are spoken."""

    one: str
    many: str
    cent: str = ""
    cents: str = ""


_DOLLAR: Final = _Currency("dollar", "dollars", "cent", "cents")
_SIGNS: Final = {
    "$": _DOLLAR, "£": _Currency("pound", "pounds", "penny", "pence"), "€": _Currency("euro", "euros", "cent", "cents"),
    "¥": _Currency("yen", "yen"), "₹": _Currency("rupee", "rupees"), "₩": _Currency("won", "won"),
    "₽": _Currency("ruble", "rubles"), "₺": _Currency("lira", "lira"), "₪": _Currency("shekel", "shekels"),
    "₫": _Currency("dong", "dong"), "₴": _Currency("hryvnia", "hryvnias"), "₦": _Currency("naira", "naira"),
    "฿": _Currency("baht", "baht"),
}  # fmt: skip
_COUNTRIES: Final = {
    "US": "u s", "A": "australian", "AU": "australian", "C": "canadian", "CA": "canadian", "NZ": "new zealand",
    "HK": "hong kong", "S": "singapore",
}  # fmt: skip
_CODES: Final = {
    "USD": ("u s ", "$"), "EUR": ("", "€"), "GBP": ("british ", "£"), "JPY": ("japanese ", "¥"),
    "INR": ("indian ", "₹"),
    "AUD": ("australian ", "$"), "CAD": ("canadian ", "$"), "NZD": ("new zealand ", "$"), "KRW": ("korean ", "₩"),
    "RUB": ("russian ", "₽"), "ILS": ("israeli ", "₪"), "UAH": ("ukrainian ", "₴"),
}  # fmt: skip
_SCALE_LETTERS: Final = {
    "k": "thousand", "K": "thousand", "M": "million", "m": "million", "mn": "million", "B": "billion", "b": "billion",
    "bn": "billion", "T": "trillion", "tn": "trillion",
}  # fmt: skip
_SIGN: Final = "[" + re.escape("".join(_SIGNS)) + "]"
_SCALE: Final = (
    rf"(?:(?P<gap>[ -]?)(?P<scale>{'|'.join(SCALES)}){RIGHT}|(?P<letter>{alternatives([*_SCALE_LETTERS])}){RIGHT})?"
)
_RANGE: Final = rf"(?:(?P<dash> ?[-–—] ?)(?P<upto>{NUMBER}))?"


def _read_prefixed(match: re.Match[str]) -> Said:
    if match["country"] and before(match)[-1:].isalnum():
        return None
    currency = _SIGNS[match["sign"]]
    country = _COUNTRIES.get(match["country"] or "", "")
    return _money(match, currency, country + " " if country else "")


def _read_suffixed(match: re.Match[str]) -> Said:
    return _money(match, _SIGNS[match["sign"]], "")


def _read_coded(match: re.Match[str]) -> Said:
    country, sign = _CODES[match["code"]]
    return _money(match, _SIGNS[sign], country)


def _money(match: re.Match[str], currency: _Currency, country: str) -> Said:
    """Words part by part, so that each stays with its written form."""
    groups = match.groupdict()
    first, upto = groups["number"].replace(groups.get("decimal") or "\0", "."), groups.get("upto")
    scale = groups.get("scale") or _SCALE_LETTERS.get(groups.get("letter") or "", "")
    if not scale and not upto and currency.cents and re.fullmatch(r"[\d,]*\.\d\d", first):
        return [(match.start("number"), ""), (match.end(), _with_cents(first, currency, country))]
    is_one = first == "1" and not scale and not upto
    unit = f"{country}{currency.one if is_one else currency.many}"
    begin = match.start("number")
    parts: list[SaidPart] = [(begin, "")] if match.string[match.start() : begin].endswith(" ") else []
    parts.append((match.end("number"), _amount(first)))
    if upto:
        parts += [(match.end("dash"), "to"), (match.end("upto"), amount(upto))]
    if groups.get("scale"):
        parts += [(match.end("scale"), scale)]
    elif scale:
        parts[-1] = (match.end("letter"), f"{parts[-1][1]} {scale}")
    end, words = parts[-1]
    if any(sign.isspace() for sign in match.string[end : match.end()]):
        return [*parts, (match.end(), unit)]
    return [*parts[:-1], (match.end(), f"{words} {unit}")]


def _amount(written: str) -> str:
    return f"point {amount('0' + written).partition(' point ')[2]}" if written.startswith(".") else amount(written)


def _with_cents(written: str, currency: _Currency, country: str) -> str:
    whole, _, cents = written.partition(".")
    is_whole, is_cents = bool(whole.strip("0,")), bool(int(cents))
    hundredths = f"{amount(str(int(cents)))} {{}}{currency.cent if cents == '01' else currency.cents}"
    if is_cents and not is_whole:
        return hundredths.format(country)
    said = f"{amount(whole or '0')} {country}{currency.one if whole == '1' else currency.many}"
    return f"{said} and {hundredths.format('')}" if is_cents else said


SIGN_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"(?P<country>)(?P<sign>{_SIGN}) ?(?P<number>{NUMBER}|\.\d+){_RANGE}{_SCALE}", _read_prefixed),
    rule(r"¢", lambda match: "cent" if re.search(r"(?<!\d)1 ?$", before(match)) else "cents"),
)
LETTER_RULES: Final[tuple[Rule, ...]] = (
    rule(
        rf"(?P<country>{alternatives([*_COUNTRIES])})(?P<sign>\$) ?(?P<number>{NUMBER}|\.\d+){_RANGE}{_SCALE}",
        _read_prefixed,
    ),
    rule(rf"{LEFT}(?P<code>{'|'.join(_CODES)}) (?P<number>{NUMBER}){_SCALE}", _read_coded),
)
DIGIT_RULES: Final[tuple[Rule, ...]] = (
    rule(rf"{LEFT}(?P<number>\d+(?P<decimal>,)\d\d) ?(?P<sign>€)(?! ?[\d.])", _read_suffixed),
    rule(rf"{LEFT}(?P<number>{NUMBER}){_SCALE} ?(?P<sign>{_SIGN})(?! ?[\d.])", _read_suffixed),
    rule(rf"{LEFT}(?P<number>{NUMBER}){_SCALE} (?P<code>{'|'.join(_CODES)}){RIGHT}", _read_coded),
)
