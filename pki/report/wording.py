"""How kinds and urgencies are called in a report."""

from datetime import datetime

from pki.expiry import Item, Kind, Urgency

KINDS = {
    Kind.LEAF: "client",
    Kind.ISSUING_CA: "issuing CA",
    Kind.ROOT_CA: "root CA",
    Kind.TRUSTSTORE: "truststore entry",
    Kind.SERVER: "server",
}

URGENCIES = {
    Urgency.EXPIRED: "expired",
    Urgency.WITHIN_1_DAY: "under 1 day",
    Urgency.WITHIN_7_DAYS: "under 7 days",
    Urgency.WITHIN_14_DAYS: "under 14 days",
    Urgency.WITHIN_30_DAYS: "under 30 days",
    Urgency.WITHIN_60_DAYS: "under 60 days",
    Urgency.LATER: "later",
}


def state(item: Item, now: datetime) -> str:
    """``renewed``, or how urgent it is."""
    return "renewed" if item.renewed else URGENCIES[item.urgency(now)]


def days_left(item: Item, now: datetime) -> str:
    """Whole days, rounded down, so that nobody reads more than there is."""
    return str(int(item.days_left(now) // 1))
