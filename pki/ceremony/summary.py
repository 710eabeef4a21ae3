"""A plan in words: what an approver reads."""

from pki.ceremony import documents
from pki.ceremony.plan import CeremonyPlan, PlannedCertificate
from pki.keys import classify


def describe(plan: CeremonyPlan) -> dict[str, object]:
    """What will be done, by name and value."""
    return {
        "operation": plan.operation.value,
        "organization": plan.organization,
        "account_id": plan.account_id,
        "requester": plan.requester,
        "created_at": documents.timestamp(plan.created_at),
        "expires_at": documents.timestamp(plan.expires_at),
        "certificates": [_describe_certificate(entry) for entry in plan.certificates],
        "existing": [
            {"certificate": authority.common_name, "fingerprint": fingerprint}
            for authority, fingerprint in plan.existing.items()
        ],
        "digest": plan.digest,
    }


def to_markdown(plan: CeremonyPlan) -> str:
    """The same as Markdown, for the summary of a workflow's run."""
    who = f"somebody else than {_code(plan.requester)}"
    lines = [
        f"## Plan of a ceremony: {plan.operation}",
        "",
        f"Asked for by {_code(plan.requester)}, to be executed before "
        f"{documents.timestamp(plan.expires_at)}.",
        f"To approve it, {who} gives this digest as the comment:",
        "",
        "```",
        plan.digest,
        "```",
    ]
    for entry in plan.certificates:
        lines += ["", f"### {_code(entry.authority.common_name)}", "", "| | |", "|---|---|"]
        lines += [
            f"| {name.replace('_', ' ')} | {_code(str(value))} |"
            for name, value in _describe_certificate(entry).items()
        ]
    return "\n".join([*lines, ""])


def _describe_certificate(entry: PlannedCertificate) -> dict[str, object]:
    draft = entry.draft
    return {
        "subject": draft.subject.rfc4514_string(),
        "signed_by": draft.issuer.name.rfc4514_string(),
        "profile": draft.profile.name,
        "serial_number": str(draft.serial_number),
        "not_before": documents.timestamp(draft.validity.not_before),
        "not_after": documents.timestamp(draft.validity.not_after),
        "key_type": classify(draft.public_key).value,
        "keeper": entry.keeper,
        "key": entry.key_id,
        "public_key_sha256": entry.public_key_sha256,
    }


def _code(text: str) -> str:
    """As code, whatever it holds: names are their bearers' choice."""
    plain = text.replace("`", "'").replace("|", "/").replace("\n", " ")
    return f"`{plain}`"
