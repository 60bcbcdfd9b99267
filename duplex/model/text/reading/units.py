"""Units after numbers: 6,400 km, 72°F, 60 km/h, 5'11", 10 m². Elsewhere "in" and "m" stay words."""

import re
from typing import Final

from duplex.model.text.reading.amounts import FRACTIONS, NUMBER, SCALES, amount
from duplex.model.text.reading.rules import LEFT, RIGHT, Rule, Said, alternatives, before, rule

UNITS: Final = {
    "km": "kilometers", "m": "meters", "cm": "centimeters", "mm": "millimeters", "dm": "decimeters",
    "µm": "micrometers", "nm": "nanometers", "mi": "miles", "mi.": "miles", "ft": "feet", "ft.": "feet", "yd": "yards",
    "yds": "yards", "in.": "inches", "kg": "kilograms", "g": "grams", "mg": "milligrams", "µg": "micrograms",
    "mcg": "micrograms", "t": "tonnes", "lb": "pounds", "lb.": "pounds", "lbs": "pounds", "lbs.": "pounds",
    "oz": "ounces", "oz.": "ounces", "l": "liters", "L": "liters", "ml": "milliliters", "mL": "milliliters",
    "cl": "centiliters", "dl": "deciliters", "gal": "gallons", "ha": "hectares", "h": "hours", "hr": "hours",
    "hrs": "hours", "hr.": "hours", "hrs.": "hours", "min": "minutes", "min.": "minutes", "mins": "minutes",
    "sec": "seconds", "sec.": "seconds", "secs": "seconds", "ms": "milliseconds", "µs": "microseconds",
    "ns": "nanoseconds", "kW": "kilowatts", "MW": "megawatts", "GW": "gigawatts", "kWh": "kilowatt hours",
    "MWh": "megawatt hours", "Wh": "watt hours", "mAh": "milliamp hours", "Ah": "amp hours", "V": "volts",
    "W": "watts", "mV": "millivolts", "kV": "kilovolts", "mA": "milliamps", "Hz": "hertz", "kHz": "kilohertz",
    "MHz": "megahertz", "GHz": "gigahertz", "dB": "decibels", "kB": "kilobytes", "KB": "kilobytes",
    "MB": "megabytes", "GB": "gigabytes", "TB": "terabytes", "PB": "petabytes", "KiB": "kibibytes",
    "MiB": "mebibytes", "GiB": "gibibytes", "kbps": "kilobits per second", "Mbps": "megabits per second",
    "Gbps": "gigabits per second", "mph": "miles per hour", "kph": "kilometers per hour",
    "rpm": "revolutions per minute", "fps": "frames per second", "psi": "pounds per square inch", "J": "joules",
    "kJ": "kilojoules", "cal": "calories", "kcal": "kilocalories", "Pa": "pascals", "hPa": "hectopascals",
    "kPa": "kilopascals", "mol": "moles",
    "px": "pixels", "dpi": "dots per inch", "ppm": "parts per million", "sq ft": "square feet",
    "sq mi": "square miles", "sq m": "square meters", "sq km": "square kilometers", "cu ft": "cubic feet",
}  # fmt: skip
_IRREGULAR: Final = {"feet": "foot", "inches": "inch", "hertz": "hertz", "tonnes": "tonne"}
_PER: Final = {"s": "second", "h": "hour", "d": "day", "y": "year", "K": "kelvin", "m": "meter"}
_TOUCHING: Final = {"in": "inches"}
_EXPONENTS: Final = {"²": "square", "^2": "square", "2": "square", "³": "cubic", "^3": "cubic", "3": "cubic"}
_AREA: Final = alternatives(["km", "m", "cm", "mm", "mi", "ft", "in", "yd"])
UNIT: Final = alternatives([*UNITS])
_SCALE: Final = "|".join(SCALES)
_BEHIND_NUMBER: Final = re.compile(
    rf"(?:^|[^\w.,]|[^\d\W])(?P<number>{NUMBER}|[{FRACTIONS}])(?P<gap>[ -]?)(?P<scale>(?:{_SCALE})[ -])?$"
)
_TEMPERATURES: Final = {"C": "celsius", "F": "fahrenheit", "K": "kelvin"}
_NAMES: Final = alternatives(["percent", "degrees", *SCALES, *{*UNITS.values()}])
FOLLOWS: Final = rf"(?:[ -]?(?:(?:{UNIT}){RIGHT}|[%°])| (?:{_NAMES})\b)"
"""A pattern for text that makes the number before it an amount, never a year or a day."""


def one_of(many: str) -> str:
    """The singular of a unit: kilometers -> kilometer; miles per hour -> mile per hour."""
    head, per, tail = many.partition(" per ")
    *before_last, last = head.split()
    single = _IRREGULAR.get(last, last.removesuffix("s"))
    return " ".join([*before_last, single]) + per + tail


def _unit(match: re.Match[str]) -> Said:
    found = _BEHIND_NUMBER.search(before(match))
    if re.search(r"\d[^\s/]*/$", before(match)):
        return one_of(UNITS[match["unit"]]) if match["unit"] in UNITS and not match["exponent"] else None
    if not found or (match["unit"] in _TOUCHING and (found["gap"] or found["scale"])):
        return None
    many = UNITS.get(match["unit"]) or _TOUCHING.get(match["unit"], "")
    single = found["gap"] == "-" or (found["number"] == "1" and not found["scale"])
    if exponent := match["exponent"]:
        many = f"{_EXPONENTS[exponent]} {many}"
    return (one_of(many) if single else many) + _divisor(match)


def _divisor(match: re.Match[str]) -> str:
    unit = match["divisor"]
    if not unit:
        return ""
    single = _PER.get(unit) or one_of(UNITS[unit])
    exponent = match["divisor_exponent"]
    if unit == "s" and exponent:
        return " per second squared"
    return f" per {_EXPONENTS[exponent] + ' ' if exponent else ''}{single}"


def _degrees(match: re.Match[str]) -> Said:
    found = _BEHIND_NUMBER.search(before(match))
    degrees = "degree" if found and found["number"] == "1" else "degrees"
    return f"{degrees} {_TEMPERATURES[match[1]]}" if match[1] else degrees


def _feet_and_inches(match: re.Match[str]) -> Said:
    feet, inches = match["feet"], match["inches"]
    said = f"{amount(feet)} {'foot' if feet == '1' else 'feet'}"
    return f"{said} {amount(inches)} {'inch' if inches == '1' else 'inches'}"


def _inches(match: re.Match[str]) -> Said:
    """A straight quotation mark after a number, unless it closes a quotation."""
    text = match.string
    if match["mark"] == '"' and text.count('"', 0, match.start("mark")) % 2:
        return None
    return f"{amount(match[1])} {'inch' if match[1] == '1' else 'inches'}"


def _arc(match: re.Match[str]) -> Said:
    return None if not re.search(r"°\s?$", before(match)) else f"{amount(match[1])} minutes"


DIGIT_RULES: Final[tuple[Rule, ...]] = (
    rule(r"(?P<feet>\d{1,3}) ?['′] ?(?P<inches>\d{1,2}(?:\.\d+)?)(?: ?(?:[\"″]|''))?(?![\d'′])", _feet_and_inches),
    rule(r"(\d{1,2})['′]", _arc),
    rule(r"(\d+)′(?!\d)", lambda match: f"{amount(match[1])} feet"),
    rule(rf"({NUMBER}) ?(?P<mark>\"|″)", _inches),
    rule(rf"{LEFT}(?<![A-Za-z]-){NUMBER}(?={FOLLOWS})", lambda match: amount(match.group())),
)
LETTER_RULES: Final[tuple[Rule, ...]] = (
    rule(
        rf"(?P<unit>{_AREA})(?P<exponent>[²³23]|\^[23])(?:/(?P<divisor>{UNIT}|s)(?P<divisor_exponent>)?)?{RIGHT}",
        _unit,
    ),
    rule(
        rf"(?P<unit>{UNIT})(?P<exponent>)(?:/(?P<divisor>{UNIT}|{'|'.join(_PER)})(?P<divisor_exponent>[²³23]|\^[23])?)?"
        rf"{RIGHT}",
        _unit,
    ),
    rule(rf"(?P<unit>in)(?P<exponent>)(?P<divisor>)(?P<divisor_exponent>){RIGHT}", _unit),
)
SIGN_RULES: Final[tuple[Rule, ...]] = (rule(rf"° ?([CFK]){RIGHT}", _degrees), rule(r"°()", _degrees))
