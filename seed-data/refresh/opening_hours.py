"""Turns the opening hours of the DILA's directory into OpenStreetMap's opening_hours syntax."""

import json

DAYS_FR = ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
DAYS_OSM = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]


def to_osm(published: str) -> str:
    """`[["lundi","jeudi",[["08:30:00","11:45:00"]]], …]` -> `Mo-Th 08:30-11:45`.

    All spans of one weekday stand in one rule, since in OSM a later rule overrides an earlier one of the same day.
    Empty when nothing usable is left.
    """
    spans_of = [[] for _ in DAYS_OSM]
    for first, last, spans in json.loads(published or "[]"):
        if first not in DAYS_FR or last not in DAYS_FR:
            continue
        usable = [(start[:5], end[:5]) for start, end in spans if "00:00" < start[:5] < end[:5]]
        for day in range(DAYS_FR.index(first), DAYS_FR.index(last) + 1):
            spans_of[day] += usable

    days_by_times: dict[str, list[int]] = {}
    for day, spans in enumerate(spans_of):
        if spans:
            days_by_times.setdefault(",".join(f"{start}-{end}" for start, end in _merged(spans)), []).append(day)
    return "; ".join(f"{_day_list(days)} {times}" for times, days in days_by_times.items())


def _merged(spans: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Spans that overlap or touch become one."""
    merged: list[tuple[str, str]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _day_list(days: list[int]) -> str:
    """[0, 1, 2, 4] -> `Mo-We,Fr`."""
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][1] + 1:
            runs[-1][1] = day
        else:
            runs.append([day, day])
    return ",".join(DAYS_OSM[a] if a == b else f"{DAYS_OSM[a]}-{DAYS_OSM[b]}" for a, b in runs)
