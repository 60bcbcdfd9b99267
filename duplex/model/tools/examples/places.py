"""Time zones of places as people name them: cities, countries, IANA names.

The cities are those after which the zones are called, and others that people ask for; the countries are those of the
tables that come with the zones.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final
from zoneinfo import TZPATH, ZoneInfo, available_timezones

from duplex.model.tools.tool import ToolError

_CONTINENTS: Final = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
_CITIES: Final[Mapping[str, str]] = {
    "Africa/Johannesburg": "cape town, durban, pretoria, south africa",
    "America/Chicago": "austin, dallas, houston, memphis, milwaukee, minneapolis, nashville, new orleans, san antonio, "
    "st louis, saint louis, texas",
    "America/Denver": "albuquerque, colorado, salt lake",
    "America/Edmonton": "calgary",
    "America/Los_Angeles": "california, las vegas, los angeles, portland, sacramento, san diego, san francisco, "
    "san jose, seattle, silicon valley",
    "America/New_York": "atlanta, baltimore, boston, charlotte, cleveland, florida, miami, orlando, philadelphia, "
    "pittsburgh, washington, washington dc",
    "America/Sao_Paulo": "belo horizonte, brasilia, rio, rio de janeiro",
    "America/Toronto": "montreal, ottawa, quebec",
    "America/Vancouver": "victoria bc",
    "Asia/Dubai": "abu dhabi",
    "Asia/Ho_Chi_Minh": "hanoi, vietnam",
    "Asia/Jerusalem": "haifa, tel aviv",
    "Asia/Kolkata": "bangalore, bengaluru, bombay, chennai, delhi, hyderabad, madras, mumbai, new delhi, pune",
    "Asia/Riyadh": "jeddah, mecca, medina",
    "Asia/Seoul": "busan, korea, south korea",
    "Asia/Shanghai": "beijing, canton, china, guangzhou, nanjing, peking, shenzhen, wuhan",
    "Asia/Tokyo": "hiroshima, kobe, kyoto, nagoya, osaka, sapporo, yokohama",
    "Australia/Sydney": "canberra",
    "Europe/Amsterdam": "eindhoven, holland, rotterdam, the hague, utrecht",
    "Europe/Berlin": "bonn, cologne, dresden, dusseldorf, frankfurt, hamburg, hanover, leipzig, munich, nuremberg, "
    "stuttgart",
    "Europe/Brussels": "antwerp, bruges, ghent",
    "Europe/Copenhagen": "aarhus",
    "Europe/Istanbul": "ankara, izmir",
    "Europe/Lisbon": "porto, portugal",
    "Europe/London": "birmingham, bristol, britain, cambridge, cardiff, edinburgh, england, glasgow, great britain, "
    "leeds, liverpool, manchester, oxford, scotland, uk, united kingdom, wales",
    "Europe/Madrid": "barcelona, bilbao, malaga, seville, spain, valencia",
    "Europe/Moscow": "saint petersburg, st petersburg",
    "Europe/Oslo": "bergen, stavanger, tromso, trondheim",
    "Europe/Paris": "bordeaux, lyon, marseille, nantes, nice, strasbourg, toulouse",
    "Europe/Prague": "brno, czechia",
    "Europe/Rome": "bologna, florence, milan, naples, palermo, turin, venice",
    "Europe/Stockholm": "gothenburg, malmo, uppsala",
    "Europe/Warsaw": "gdansk, krakow, cracow, wroclaw",
    "Europe/Zurich": "basel, bern, geneva, lausanne",
    "Pacific/Auckland": "christchurch, new zealand, wellington",
    "Pacific/Honolulu": "hawaii",
}
"""Cities that no zone is called after, and countries of several zones of which one is meant."""
_COUNTRIES: Final[Mapping[str, str]] = {"america": "US", "us": "US", "usa": "US", "united states of america": "US"}


def find_zone(place: str, now: datetime) -> ZoneInfo:
    """The time zone of a place.

    Args:
        place: a city, with or without its country behind a comma; a country; an IANA name.
        now: when; a country whose zones then have the same time counts as one.

    Raises:
        ToolError: no zone is known for it, or several are.
    """
    whole, city = _plain(place), _plain(place.split(",")[0])
    for name in dict.fromkeys([whole, city, city.removesuffix(" city")]):
        if zone := _zones().get(name):
            return ZoneInfo(zone)
    return _zone_of_country(whole, place, now)


def _zone_of_country(name: str, place: str, now: datetime) -> ZoneInfo:
    code = _COUNTRIES.get(name) or _country_codes().get(name, "")
    zones = [ZoneInfo(zone) for zone in _zones_of_countries().get(code, ())]
    if not zones:
        raise ToolError(f"no time zone is known for '{place}'; name a large city near it")
    if len({now.astimezone(zone).utcoffset() for zone in zones}) > 1:
        raise ToolError(f"'{place}' has several time zones; name a city in it")
    return zones[0]


@cache
def _zones() -> dict[str, str]:
    """IANA names by what they and their cities are called."""
    names = sorted(available_timezones())
    named = {_plain(name.rpartition("/")[2]): name for name in names if name.split("/")[0] in _CONTINENTS}
    cities = {city: zone for zone, cities in _CITIES.items() for city in cities.split(", ")}
    return {_plain(name): name for name in names} | named | {_plain(city): zone for city, zone in cities.items()}


@cache
def _country_codes() -> dict[str, str]:
    return {_plain(name): code for code, name in _rows("iso3166.tab", 2)}


@cache
def _zones_of_countries() -> dict[str, list[str]]:
    zones: dict[str, list[str]] = {}
    for code, _, zone in _rows("zone.tab", 3):
        zones.setdefault(code, []).append(zone)
    return zones


def _rows(table: str, fields: int) -> Iterator[list[str]]:
    """The first fields of the rows of a table of the zones; none where the system has no such table."""
    for line in _read(table).splitlines():
        row = line.split("\t")
        if not line.startswith("#") and len(row) >= fields:
            yield row[:fields]


def _read(table: str) -> str:
    for folder in map(Path, TZPATH):
        if (folder / table).is_file():
            return (folder / table).read_text(encoding="utf-8")
    try:
        return resources.files("tzdata").joinpath("zoneinfo", table).read_text(encoding="utf-8")
    except (ModuleNotFoundError, FileNotFoundError):
        return ""


def _plain(name: str) -> str:
    """Small letters without accents, articles and signs."""
    letters = unicodedata.normalize("NFKD", name.replace("ø", "o").replace("Ø", "o").replace("ß", "ss"))
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter)).casefold()
    return re.sub(r"[^a-z0-9+/-]+", " ", bare.replace("_", " ")).strip().removeprefix("the ")
