"""The rules of live/: units are plain, mocks are recognisable, a fact stands once."""

import re
from pathlib import Path

import pytest

from tests.support import LIVE, ORGANIZATION
from tools.paths import ROOT

ACCOUNTS = tuple(ORGANIZATION.accounts)
UNITS = sorted(LIVE.glob("*/*/*/*/terragrunt.hcl"))
FILES = sorted(path for path in LIVE.rglob("*.hcl") if ".terragrunt-cache" not in path.parts)

BLOCK = re.compile(r'^(\w+)(?: "\w+")? (?:= )?\{$', re.MULTILINE)
OUTPUT = re.compile(r'^output "(\w+)"', re.MULTILINE)
USED_OUTPUT = re.compile(r"dependency\.(\w+)\.outputs\.(\w+)")
DEPENDENCY = re.compile(r'^dependency "(\w+)" \{\n(.*?)^\}', re.MULTILINE | re.DOTALL)
SOURCE = re.compile(r'^  source = include\.root\.locals\.sources\["([\w-]+)"\]$', re.MULTILINE)


def unit_name(path: Path) -> str:
    return path.parent.relative_to(LIVE).as_posix()


def without_comments(text: str) -> str:
    return re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)


def dependencies(unit: Path) -> dict[str, str]:
    return dict(DEPENDENCY.findall(unit.read_text()))


def module_of(unit: Path) -> str:
    found = SOURCE.search(unit.read_text())
    assert found is not None
    return found[1]


each_unit = pytest.mark.parametrize("unit", UNITS, ids=unit_name)


WORKLOAD = (
    "acm-domain",
    "authorizer",
    "cognito-m2m",
    "est",
    "http-api-mtls",
    "registry",
    "truststore",
    "watch",
    "whoami",
)
BOOTSTRAP = ("deploy-roles", "plan-bucket", "state-bucket")


def test_the_tree_holds_the_units_that_it_should() -> None:
    region = ORGANIZATION.region
    expected = [f"{account}/{region}/account/{name}" for account in ACCOUNTS for name in BOOTSTRAP]
    for environment in ORGANIZATION.environments:
        home = f"{environment.account_name}/{environment.region}"
        expected += [f"{home}/{environment.name}/{name}" for name in WORKLOAD]
        expected.append(f"{home}/account/dns-zone")
        expected.append(f"security/{region}/ca/issuer-{environment.name}")
    expected += [f"security/{region}/ca/{name}" for name in ("ceremony-log", "crl", "pki")]
    assert [unit_name(unit) for unit in UNITS] == sorted(set(expected))


def test_every_account_of_the_organisation_has_its_folder() -> None:
    assert {path.parent.name for path in LIVE.glob("*/account.hcl")} == set(ACCOUNTS)


def test_every_environment_is_promoted_to_and_has_an_issuing_ca() -> None:
    names = {environment.name for environment in ORGANIZATION.environments}
    assert set(ORGANIZATION.promotion) == names
    authority = (LIVE / "security" / ORGANIZATION.region / "ca" / "env.hcl").read_text()
    assert set(re.findall(r'^    (\w+) += \["g1"', authority, re.MULTILINE)) == names


@pytest.mark.parametrize("unit", WORKLOAD)
def test_an_environment_s_units_differ_in_nothing_but_their_folder(unit: str) -> None:
    """What makes an environment differ stands in its env.hcl, versions.hcl and images.hcl."""
    texts = {
        (environment.folder(LIVE) / unit / "terragrunt.hcl").read_text()
        for environment in ORGANIZATION.environments
    }
    assert len(texts) == 1


@each_unit
def test_a_unit_is_plain(unit: Path) -> None:
    blocks = BLOCK.findall(unit.read_text())
    assert set(blocks) <= {"include", "terraform", "locals", "dependency", "inputs"}
    assert blocks.count("include") == blocks.count("terraform") == blocks.count("inputs") == 1
    order = ["include", "terraform", "locals", "dependency", "inputs"]
    assert [order.index(block) for block in blocks] == sorted(order.index(b) for b in blocks)


@each_unit
def test_a_unit_says_in_a_first_line_what_it_is_for(unit: Path) -> None:
    assert re.match(r"# [A-Z].+\n", unit.read_text())


@each_unit
def test_a_units_module_is_pinned_in_its_folder(unit: Path) -> None:
    pins = (unit.parents[1] / "versions.hcl").read_text()
    assert re.search(rf'^    {module_of(unit)} += "(local|\d+\.\d+\.\d+)"$', pins, re.MULTILINE)


@each_unit
def test_a_unit_takes_its_module_by_the_name_of_its_own_or_a_module_that_exists(unit: Path) -> None:
    assert (ROOT / "modules" / module_of(unit) / "main.tf").is_file()


@each_unit
def test_a_dependency_mocks_exactly_the_outputs_that_are_used(unit: Path) -> None:
    used: dict[str, set[str]] = {name: set() for name in dependencies(unit)}
    for name, output in USED_OUTPUT.findall(without_comments(unit.read_text())):
        used[name].add(output)
    for name, body in dependencies(unit).items():
        mocks = body.partition("mock_outputs = {")[2]
        assert set(re.findall(r"^    (\w+) +=", mocks, re.MULTILINE)) == used[name]


@each_unit
def test_a_dependency_is_a_unit_whose_module_has_those_outputs(unit: Path) -> None:
    for name, body in dependencies(unit).items():
        path = re.search(r'config_path = "(.+)"', body)
        assert path is not None
        upstream = (unit.parent / path[1]).resolve() / "terragrunt.hcl"
        assert upstream in UNITS
        outputs = (ROOT / "modules" / module_of(upstream) / "outputs.tf").read_text()
        used = {output for other, output in USED_OUTPUT.findall(unit.read_text()) if other == name}
        assert used <= set(OUTPUT.findall(outputs))


@each_unit
def test_nothing_is_planned_on_mocks(unit: Path) -> None:
    """A plan made with mocks applies with exit 0 and writes them to state."""
    for body in dependencies(unit).values():
        assert '  mock_outputs_allowed_terraform_commands = ["init", "validate"]\n' in body
        assert "mock_outputs_merge" not in body


@each_unit
def test_every_mock_carries_the_sentinel(unit: Path) -> None:
    """A policy denies the account 000000000000 and the word mock in any plan to be applied."""
    for body in dependencies(unit).values():
        mocks = body.partition("mock_outputs = {")[2]
        values = re.findall(r'"([^"]+)"', mocks)
        assert values
        assert [value for value in values if not re.search(r"mock|000000000000", value, re.I)] == []


@each_unit
def test_every_input_is_a_variable_of_the_module_and_none_that_is_required_is_missing(
    unit: Path,
) -> None:
    inputs = unit.read_text().partition("\ninputs = {")[2]
    given = set(re.findall(r"^  (\w+) +=", inputs, re.MULTILINE))
    text = (ROOT / "modules" / module_of(unit) / "variables.tf").read_text()
    variables = dict(re.findall(r'^variable "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL))
    required = {
        name for name, body in variables.items() if not re.search(r"^  default +=", body, re.M)
    }
    assert given <= set(variables)
    assert required <= given


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIVE)))
def test_facts_of_the_organisation_stand_in_organization_yaml_only(file: Path) -> None:
    text = without_comments(file.read_text()).replace("api.mock.example.com", "")
    accounts = ORGANIZATION.accounts.values()
    facts = [*accounts, ORGANIZATION.domain, ORGANIZATION.github_repository]
    assert [fact for fact in facts if fact in text] == []
    assert not re.search(rf'"{ORGANIZATION.name}[-"]', text)
    assert "999999999999" not in text


def test_modules_of_this_working_tree_are_for_the_first_environment_only() -> None:
    pins = [
        path for path in FILES if path.name == "versions.hcl" and '= "local"' in path.read_text()
    ]
    assert {path.parent.name for path in pins} == set(ORGANIZATION.promotion[:1])


def test_every_pin_is_a_version_in_its_modules_changelog() -> None:
    for path in FILES:
        if path.name == "versions.hcl":
            for module, version in re.findall(
                r'^    ([\w-]+) += "([\d.]+)"$', path.read_text(), re.M
            ):
                assert (
                    f"\n## {version}\n" in (ROOT / "modules" / module / "CHANGELOG.md").read_text()
                )


def test_what_the_laptop_changes_hangs_on_one_variable_in_one_file() -> None:
    mentions = [
        file.name for file in FILES if "AWS_ENDPOINT_URL" in without_comments(file.read_text())
    ]
    assert mentions == ["root.hcl"]
    assert without_comments((LIVE / "root.hcl").read_text()).count("AWS_ENDPOINT_URL") == 1
