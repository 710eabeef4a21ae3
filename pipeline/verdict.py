"""What the findings come to: passed, or refused and by which of them."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipeline.errors import RefusedError
from pipeline.model import Finding, FindingKind

__all__ = ["Verdict", "judge"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A gate's answer.

    Attributes:
        passed: whether nothing stands in the way.
        blocking: what does.
    """

    passed: bool
    blocking: tuple[Finding, ...]

    def require(self) -> None:
        """Stop unless it passed.

        Raises:
            RefusedError: it did not; names the rules.
        """
        if not self.passed:
            rules = ", ".join(sorted({finding.rule for finding in self.blocking}))
            count = len(self.blocking)
            raise RefusedError(
                f"the gates refuse this: {count} finding{'' if count == 1 else 's'} ({rules})",
                hint="put right what the findings say, or waive them in policies/waivers.yaml",
            )


def judge(findings: Iterable[Finding], *, production: bool) -> Verdict:
    """Tell whether a change may go on.

    What is denied never may. What is undecided may only where a mistake can be put right:
    `production` is the last environment of promotion, and the security account.
    """
    blocking = tuple(finding for finding in findings if _blocks(finding, production=production))
    return Verdict(passed=not blocking, blocking=blocking)


def _blocks(finding: Finding, *, production: bool) -> bool:
    if finding.waiver is not None and finding.waivable:
        return False
    match finding.kind:
        case FindingKind.DENY:
            return True
        case FindingKind.UNDECIDED:
            return production
        case FindingKind.WARN:
            return False
