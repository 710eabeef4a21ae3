"""The months ahead, and what ends in each: the numbers behind the picture."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pki.expiry import Item, Urgency

MONTHS = 13
"""A client's certificate lives a year at most: this month and the twelve after it hold its end."""

_MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Month:
    """One calendar month, UTC.

    Attributes:
        begins: its first moment.
        due: how many items end in it, by urgency; those already expired stand in the first month.
        renewed: how many more end in it that have a successor.
    """

    begins: datetime
    due: Mapping[Urgency, int]
    renewed: int

    @property
    def total(self) -> int:
        """All that end in it."""
        return sum(self.due.values()) + self.renewed


def months(items: Iterable[Item], now: datetime) -> tuple[Month, ...]:
    """This month and the next ones; what ends after them is in none."""
    first = _index(now)
    due: dict[int, Counter[Urgency]] = {place: Counter() for place in range(MONTHS)}
    renewed: Counter[int] = Counter()
    for item in items:
        place = max(0, _index(item.ends) - first)
        if place >= MONTHS:
            continue
        if item.renewed:
            renewed[place] += 1
        else:
            due[place][item.urgency(now)] += 1
    return tuple(
        Month(
            _begin(first + place),
            {urgency: due[place][urgency] for urgency in Urgency if due[place][urgency]},
            renewed[place],
        )
        for place in range(MONTHS)
    )


def _index(moment: datetime) -> int:
    utc = moment.astimezone(UTC)
    return utc.year * _MONTHS_A_YEAR + utc.month - 1


def _begin(index: int) -> datetime:
    year, month = divmod(index, _MONTHS_A_YEAR)
    return datetime(year, month + 1, 1, tzinfo=UTC)
