"""What a report says, whatever it is rendered to."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from pki.expiry import THRESHOLD_DAYS, Item, Urgency, by_urgency, sooner_first


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything of an environment that ends.

    Attributes:
        organization: its name.
        environment: its name.
        made_at: the moment that the report speaks of, UTC.
        items: in the order in which they end.
        notes: what could not be read, each a sentence.
    """

    organization: str
    environment: str
    made_at: datetime
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", sooner_first(self.items))

    @property
    def urgencies(self) -> Mapping[Urgency, int]:
        """How many items are how urgent, the renewed ones left out."""
        return by_urgency(self.items, self.made_at)

    def to_document(self) -> dict[str, object]:
        """In JSON's types; times ISO 8601 in UTC."""
        return {
            "organization": self.organization,
            "environment": self.environment,
            "made_at": _time(self.made_at),
            "threshold_days": list(THRESHOLD_DAYS),
            "urgencies": dict(self.urgencies),
            "items": [
                {
                    "kind": item.kind,
                    "name": item.name,
                    "identifier": item.identifier,
                    "issuer": item.issuer,
                    "begins": _time(item.begins),
                    "ends": _time(item.ends),
                    "days_left": round(item.days_left(self.made_at), 2),
                    "urgency": item.urgency(self.made_at),
                    "renewed": item.renewed,
                }
                for item in self.items
            ],
            "notes": list(self.notes),
        }


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
