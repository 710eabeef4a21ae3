"""Changes of live/ and modules/, each stopped by the rule that should stop it, before any init."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from pipeline import rules
from pipeline.commands.gate import static_scope
from pipeline.errors import UsageError
from pipeline.gates import StaticScope
from pipeline.git import Git
from pipeline.model import FindingKind
from pipeline.tree import Layout
from pipeline.verdict import judge
from pipeline.waivers import Register
from tests.pipeline.checkouts import DEV, PROD, STAGE, Checkout
from tools.paths import ROOT

REGISTRY = f"{DEV}/registry/terragrunt.hcl"
AUTHORIZER = f"{DEV}/authorizer/terragrunt.hcl"
ROOT_HCL = "live/root.hcl"

type Change = Callable[[Checkout], None]


def append(file: str, text: str) -> Change:
    return lambda checkout: checkout.append(file, f"\n{text}\n")


def swap(file: str, old: str, new: str) -> Change:
    return lambda checkout: checkout.replace(file, old, new)


def write(file: str, text: str) -> Change:
    return lambda checkout: checkout.write(file, text)


def pin(folder: str, module: str, version: str) -> Change:
    def change(checkout: Checkout) -> None:
        file = f"{folder}/versions.hcl"
        lines = checkout.path(file).read_text().splitlines(keepends=True)
        (line,) = [line for line in lines if line.split("=")[0].strip() == module]
        checkout.replace(file, line, f'    {module} = "{version}"\n')

    return change


def remove_unit(checkout: Checkout) -> None:
    checkout.path(REGISTRY).unlink()


def release_and_pin_ahead(checkout: Checkout) -> None:
    checkout.git("tag", "modules/registry/v9.0.0")
    pin(PROD, "registry", "9.0.0")(checkout)


def tag_elsewhere_and_pin(checkout: Checkout) -> None:
    stray = checkout.git("commit-tree", "HEAD^{tree}", "-m", "unreviewed").strip()
    checkout.git("tag", "modules/registry/v9.0.0", stray)
    pin(STAGE, "registry", "9.0.0")(checkout)


CHANGES: dict[str, tuple[str, Change]] = {
    "a pin that is no release": ("PIN-002", pin(PROD, "registry", "9.9.9")),
    "a pin of the working tree in prod": ("PIN-001", pin(PROD, "registry", "local")),
    "a range for a pin": ("PIN-001", pin(STAGE, "registry", "~> 0.1")),
    "prod ahead of stage": ("PIN-003", release_and_pin_ahead),
    "a computed map of pins": (
        "TREE-005",
        write(
            f"{PROD}/versions.hcl", 'locals {\n  versions = merge({}, { registry = "1.0.0" })\n}\n'
        ),
    ),
    "a unit whose module has no pin": (
        "PIN-004",
        swap(REGISTRY, 'sources["registry"]', 'sources["plan-bucket"]'),
    ),
    "a module from elsewhere": (
        "UNIT-003",
        swap(
            REGISTRY, 'include.root.locals.sources["registry"]', '"git::https://example.com/x.git"'
        ),
    ),
    "no include of root.hcl": ("UNIT-001", swap(REGISTRY, '"root.hcl"', '"other.hcl"')),
    "a merge that drops what root.hcl says": (
        "UNIT-001",
        swap(REGISTRY, "expose = true", 'expose = true\n  merge_strategy = "no_merge"'),
    ),
    "a state of the unit's own": (
        "UNIT-002",
        append(REGISTRY, 'remote_state {\n  backend = "local"\n  config = {}\n}'),
    ),
    "a generated file": (
        "UNIT-002",
        append(
            REGISTRY, 'generate "x" {\n  path = "x.tf"\n  if_exists = "skip"\n  contents = ""\n}'
        ),
    ),
    "another binary": ("CODE-002", append(REGISTRY, 'terraform_binary = "./evil"')),
    "an engine": ("CODE-002", append(ROOT_HCL, 'engine {\n  source = "github.com/x/y"\n}')),
    "a unit left out of every run": (
        "UNIT-002",
        append(REGISTRY, 'exclude {\n  if = true\n  actions = ["all"]\n}'),
    ),
    "a hook": (
        "CODE-002",
        swap(
            REGISTRY,
            "terraform {",
            'terraform {\n  before_hook "x" {\n    commands = ["plan"]\n    execute = ["id"]\n  }',
        ),
    ),
    "a hook for every unit": (
        "CODE-002",
        append(ROOT_HCL, 'terraform {\n  after_hook "x" {\n    commands = ["plan"]\n  }\n}'),
    ),
    "run_cmd in a unit": ("CODE-001", append(REGISTRY, 'locals {\n  x = run_cmd("id")\n}')),
    "run_cmd in root.hcl": (
        "CODE-001",
        swap(ROOT_HCL, "locals {", 'locals {\n  x = run_cmd("--terragrunt-quiet", "id")'),
    ),
    "run_cmd in an environment": (
        "CODE-001",
        swap(f"{PROD}/env.hcl", "locals {", 'locals {\n  x = run_cmd("id")'),
    ),
    "an environment variable in a unit": (
        "CODE-001",
        swap(REGISTRY, "locals {", 'locals {\n  x = get_env("HOME")'),
    ),
    "run_cmd behind a key that stands twice": (
        "TREE-001",
        swap(REGISTRY, "inputs = {", 'inputs = {\n  x = { k = run_cmd("id"), k = "fine" }'),
    ),
    "configuration read from elsewhere": (
        "CODE-009",
        swap(
            f"{PROD}/env.hcl",
            "locals {",
            'locals {\n  x = read_terragrunt_config("${get_repo_root()}/docs/evil.hcl").locals.y',
        ),
    ),
    "the job's environment read as a file": (
        "CODE-009",
        swap(ROOT_HCL, "locals {", 'locals {\n  x = templatefile("/proc/self/environ", {})'),
    ),
    "images above live/": ("TREE-002", write("images.hcl", "locals {\n  images = {}\n}\n")),
    "an environment without its images": (
        "TREE-003",
        lambda checkout: checkout.path(f"{DEV}/images.hcl").unlink(),
    ),
    "a file read in inputs": (
        "UNIT-004",
        swap(REGISTRY, "inputs = {", 'inputs = {\n  x = file("x")'),
    ),
    "a unit removed while others depend on it": ("DEP-001", remove_unit),
    "a dependency on another environment": (
        "DEP-002",
        swap(AUTHORIZER, '"../registry"', '"../../stage/registry"'),
    ),
    "a dependency on another account": (
        "DEP-002",
        swap(AUTHORIZER, '"../registry"', '"../../../../security/eu-west-1/ca/pki"'),
    ),
    "a dependency whose outputs are skipped": (
        "DEP-003",
        swap(
            AUTHORIZER,
            'config_path = "../registry"',
            'config_path = "../registry"\n  skip_outputs = true',
        ),
    ),
    "mocks that plans may use": ("DEP-004", swap(AUTHORIZER, '"validate"', '"validate", "plan"')),
    "mocks for any command": (
        "DEP-004",
        swap(AUTHORIZER, 'mock_outputs_allowed_terraform_commands = ["init", "validate"]', ""),
    ),
    "a mock like a real value": (
        "DEP-005",
        swap(AUTHORIZER, '"mock-registry"', '"example-dev-registry"'),
    ),
    "a deep merge of mocks": (
        "DEP-006",
        swap(
            AUTHORIZER,
            'config_path = "../registry"',
            'config_path = "../registry"\n'
            '  mock_outputs_merge_strategy_with_state = "deep_map_only"',
        ),
    ),
    "an external data source": (
        "CODE-004",
        append("modules/registry/main.tf", 'data "external" "x" {\n  program = ["id"]\n}'),
    ),
    "another provider": (
        "CODE-003",
        append("modules/registry/main.tf", 'resource "null_resource" "x" {}'),
    ),
    "a provisioner": (
        "CODE-005",
        append(
            "modules/registry/main.tf",
            'resource "aws_sns_topic" "x" {\n  provisioner "local-exec" {\n'
            '    command = "id"\n  }\n}',
        ),
    ),
    "a provisioner of what is removed": (
        "CODE-005",
        append(
            "modules/registry/main.tf",
            "removed {\n  from = aws_sns_topic.x\n  lifecycle {\n    destroy = true\n  }\n"
            '  provisioner "local-exec" {\n    when = destroy\n    command = "id"\n  }\n}',
        ),
    ),
    "a data source in a check": (
        "CODE-004",
        append(
            "modules/registry/main.tf",
            'check "x" {\n  data "aws_lambda_invocation" "y" {\n    function_name = "x"\n'
            '    input = ""\n  }\n  assert {\n    condition = true\n    error_message = "x"\n'
            "  }\n}",
        ),
    ),
    "a pin of a tag that main does not have": ("PIN-002", tag_elsewhere_and_pin),
    "a module from a registry": (
        "CODE-006",
        append(
            "modules/registry/main.tf", 'module "x" {\n  source = "terraform-aws-modules/s3/aws"\n}'
        ),
    ),
    "a provider of the module's own": (
        "CODE-007",
        append("modules/registry/main.tf", 'provider "aws" {\n  region = "eu-west-1"\n}'),
    ),
    "a backend of the module's own": (
        "CODE-007",
        append("modules/registry/main.tf", 'terraform {\n  backend "local" {}\n}'),
    ),
    "code in JSON": ("CODE-008", write("modules/registry/extra.tf.json", "{}")),
    "code that replaces other code": ("CODE-008", write("modules/registry/main_override.tf", "")),
    "a stateful resource that a plan may destroy": (
        "MODULE-001",
        swap("modules/registry/main.tf", "prevent_destroy = true", "prevent_destroy = false"),
    ),
    "a provider for any account": (
        "ROOT-001",
        swap(ROOT_HCL, "allowed_account_ids = [", "# allowed_account_ids = ["),
    ),
    "a state whose lock is a comment": (
        "ROOT-002",
        swap(ROOT_HCL, "use_lockfile = true", "# use_lockfile = true"),
    ),
    "a provider that assumes no role": (
        "ROOT-001",
        swap(ROOT_HCL, "%{if !local.bootstrap~}", "%{if false~}"),
    ),
    "a state without a lock": (
        "ROOT-002",
        swap(ROOT_HCL, "use_lockfile = true", "use_lockfile = false"),
    ),
    "a state that is not encrypted": (
        "ROOT-002",
        swap(ROOT_HCL, "encrypt      = true", "encrypt      = false"),
    ),
    "modules from another repository": (
        "ROOT-003",
        swap(ROOT_HCL, "https://github.com/", "https://example.com/"),
    ),
    "terraform told to ignore locks": (
        "ROOT-004",
        append(
            ROOT_HCL,
            'terraform {\n  extra_arguments "x" {\n    commands = ["plan"]\n'
            '    arguments = ["-lock=false"]\n  }\n}',
        ),
    ),
    "a proxy for the provider": (
        "ROOT-001",
        swap(
            ROOT_HCL,
            "      allowed_account_ids = [",
            '      http_proxy = "http://example.com"\n      allowed_account_ids = [',
        ),
    ),
    "a state at another endpoint": (
        "ROOT-002",
        swap(
            ROOT_HCL,
            "use_lockfile = true",
            'use_lockfile = true\n        endpoints = { s3 = "https://example.com" }',
        ),
    ),
    "a library that every run loads": (
        "ROOT-004",
        swap(ROOT_HCL, "GOGC = get", 'LD_PRELOAD = "${get_repo_root()}/x.so"\n      GOGC = get'),
    ),
    "a second root.hcl": ("TREE-002", write("live/prod/root.hcl", "locals {}\n")),
    "code beside a unit": ("TREE-002", write(f"{DEV}/registry/extra.tf", "")),
    "an environment without a file": (
        "TREE-003",
        lambda checkout: checkout.path(f"{STAGE}/env.hcl").unlink(),
    ),
    "an environment that promotion does not know": (
        "TREE-003",
        swap("live/organization.yaml", "promotion: [dev, stage, prod]", "promotion: [dev, stage]"),
    ),
    "an account id written out": (
        "TREE-004",
        swap(REGISTRY, "inputs = {", 'inputs = {\n  x = "arn:aws:iam::444444444444:role/x"'),
    ),
    "one account for two folders": (
        "TREE-004",
        swap("live/organization.yaml", '"333333333333"', '"222222222222"'),
    ),
    "an image by tag": (
        "DIGEST-001",
        write(
            f"{DEV}/images.hcl",
            "locals {\n  images = {\n"
            '    watch = "222222222222.dkr.ecr.eu-west-1.amazonaws.com/x:v1"\n  }\n}\n',
        ),
    ),
    "what does not parse": ("TREE-001", append(REGISTRY, "inputs = {")),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_bad_change_is_denied(name: str, checkout: Checkout) -> None:
    rule, change = CHANGES[name]

    change(checkout)

    denied = [entry for entry in checkout.judge() if entry.kind is FindingKind.DENY]
    assert rule in {finding.rule for finding in denied}
    assert not judge(denied, production=False).passed
    assert all(finding.file for finding in denied if finding.rule == rule)


def test_an_image_that_runs_nowhere_before_is_denied(checkout: Checkout) -> None:
    base = checkout.commit()
    image = f"222222222222.dkr.ecr.eu-west-1.amazonaws.com/watch@sha256:{'a' * 64}"
    checkout.write(f"{PROD}/images.hcl", f'locals {{\n  images = {{ watch = "{image}" }}\n}}\n')

    assert {entry.rule for entry in checkout.judge(base=base)} == {"DIGEST-002"}
    (doubt,) = checkout.judge()
    assert doubt.kind is FindingKind.UNDECIDED
    checkout.write(f"{STAGE}/images.hcl", f'locals {{\n  images = {{ watch = "{image}" }}\n}}\n')
    checkout.write(f"{DEV}/images.hcl", f'locals {{\n  images = {{ watch = "{image}" }}\n}}\n')
    assert checkout.judge(base=base) == ()


def test_the_rules_over_live_are_all_tried_here(checkout: Checkout) -> None:
    tried = {rule for rule, _ in CHANGES.values()} | {"DIGEST-002"}

    live = {
        rule.id
        for rule in rules.policy_rules(checkout.gates().opa)
        if rule.package.startswith("live.")
    }
    assert tried == live


@pytest.mark.parametrize(
    ("files", "scopes", "modules"),
    [
        ([REGISTRY], {"dev"}, set()),
        ([f"{PROD}/versions.hcl", f"{STAGE}/versions.hcl"], {"stage", "prod"}, set()),
        (["modules/registry/main.tf"], set(), {"registry"}),
        (["modules/registry/main.tf", REGISTRY], {"dev"}, {"registry"}),
        (["live/organization.yaml"], None, set()),
        (["live/prod/account.hcl"], None, set()),
        (["policies/live/pins/exact.rego"], None, set()),
        (["docs/x.md", "live/README.md"], set(), set()),
    ],
)
def test_what_a_change_is_judged_by(
    files: list[str], scopes: set[str] | None, modules: set[str], checkout: Checkout
) -> None:
    base = checkout.commit()
    for file in files:
        checkout.write(file, "# changed\n")

    found = static_scope(Git(checkout.root), Layout.here(checkout.root), base=base, scopes=None)

    assert found.scopes == (None if scopes is None else frozenset(scopes))
    assert found.modules == frozenset(modules)
    assert found.base == base


def test_a_folder_that_is_gone_makes_it_look_at_everything(checkout: Checkout) -> None:
    base = checkout.commit()
    for path in checkout.path(PROD).glob("*/terragrunt.hcl"):
        path.unlink()

    found = static_scope(Git(checkout.root), Layout.here(checkout.root), base=base, scopes=None)

    assert found.scopes is None


def test_an_unknown_scope_is_wrong_usage(checkout: Checkout) -> None:
    with pytest.raises(UsageError, match="no scope moon"):
        static_scope(Git(checkout.root), Layout.here(checkout.root), base=None, scopes=["moon"])


def test_a_waiver_lets_one_finding_pass_and_ends(checkout: Checkout) -> None:
    pin(PROD, "registry", "9.9.9")(checkout)
    today = date(2026, 6, 1)
    entry = {
        "rule": "PIN-002",
        "resource": f"{PROD}/versions.hcl",
        "owner": "platform-team",
        "reason": "The release follows with the next run.",
        "expires": "2026-06-30",
        "ticket": "PLAT-1",
    }
    register = json.dumps({"waivers": [entry, entry | {"rule": "PIN-003"}]})
    scope = StaticScope(scanned=False)

    def passed(day: date) -> bool:
        found = replace(checkout.gates(), register=Register.parse(register, day))
        return judge(found.static(scope), production=True).passed

    assert passed(today)
    assert not passed(today + timedelta(days=30))
    assert not judge(checkout.gates().static(scope), production=True).passed


def test_waivers_of_every_kind_of_rule_are_known_to_every_gate(checkout: Checkout) -> None:
    known = checkout.gates().known

    assert known["APIGW-003"] is True
    assert known["DEP-004"] is False
    assert known["WAIVER-001"] is False
    assert known["SKIP-001"] is False


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "gate", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_writes_for_people_for_github_and_for_scripts(tmp_path: Path) -> None:
    sarif = tmp_path / "out" / "gate.sarif"

    done = run("--no-scan", "--no-releases", "--json", "--sarif", sarif, "--scope", "dev")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["passed"] is True
    assert json.loads(sarif.read_text())["version"] == "2.1.0"


def test_wrong_usage_exits_2() -> None:
    assert run("--scope", "moon").returncode == 2
    assert run("--base", "no-such-commit").returncode == 2
    assert run("--nonsense").returncode == 2
