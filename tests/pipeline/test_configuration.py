"""The document of live/: what it holds, where modules come from, and what cannot be read."""

from pathlib import Path

import pytest

from pipeline import configuration
from pipeline.errors import CommandFailedError, UsageError
from pipeline.hcl import Parser
from tests.pipeline import checkouts
from tests.pipeline.checkouts import DEV, PROD, STAGE, Checkout


def test_the_document_has_every_unit_with_what_it_depends_on(checkout: Checkout) -> None:
    document = checkout.read()

    units = {unit["path"]: unit for unit in document["units"]}
    assert list(units) == document["paths"]
    authorizer = units["non-prod/eu-west-1/dev/authorizer"]
    assert authorizer["module"] == "authorizer"
    assert authorizer["scope"] == "dev"
    assert {entry["target"] for entry in authorizer["dependencies"]} == {
        "non-prod/eu-west-1/dev/cognito-m2m",
        "non-prod/eu-west-1/dev/registry",
    }
    assert document["promotion"] == ["dev", "stage", "prod"]
    assert document["problems"] == []


def test_each_environment_knows_the_one_before_it(checkout: Checkout) -> None:
    before = {entry["name"]: entry["previous"] for entry in checkout.read()["environments"]}

    assert before == {
        "dev": None,
        "stage": "dev",
        "prod": "stage",
        "security/account": None,
        "security/ca": None,
        "non-prod/account": None,
        "prod/account": "non-prod/account",
    }


def test_only_the_scopes_that_are_asked_for_are_looked_into(checkout: Checkout) -> None:
    document = checkout.read(scopes=["stage"])

    assert {unit["scope"] for unit in document["units"]} == {"stage"}
    assert len(document["environments"]) == 7  # the pins of all, since each is held against another
    assert "live/prod/account.hcl" not in {entry["file"] for entry in document["configs"]}


def test_who_changes_an_accounts_folder_looks_at_its_environments_too(checkout: Checkout) -> None:
    document = checkout.read(scopes=["non-prod/account"])

    assert {unit["scope"] for unit in document["units"]} == {"non-prod/account", "dev", "stage"}


def test_no_scopes_are_not_all_scopes(checkout: Checkout) -> None:
    document = checkout.read(scopes=[])

    assert document["units"] == []
    assert document["modules"] == []


def test_a_scope_that_does_not_exist_is_wrong_usage(checkout: Checkout) -> None:
    with pytest.raises(UsageError, match="no scope moon"):
        checkout.read(scopes=["moon"])


def test_a_released_module_is_read_from_its_tag(checkout: Checkout) -> None:
    checkout.append("modules/registry/main.tf", '\ndata "external" "x" {\n  program = ["id"]\n}\n')

    modules = checkout.read(scopes=["dev", "stage"])["modules"]

    types = {
        entry["version"]: {source["type"] for source in entry["data"]}
        for entry in modules
        if entry["name"] == "registry"
    }
    assert "external" in types["local"]
    assert len(types) == 2
    assert not any("external" in found for version, found in types.items() if version != "local")


def test_a_neighbour_comes_from_the_same_release(checkout: Checkout) -> None:
    modules = checkout.read(scopes=["stage"])["modules"]

    assert "function" in {entry["name"] for entry in modules}
    assert "local" not in {entry["version"] for entry in modules}


def test_pins_are_followed_to_where_git_is_told_to_fetch_them(
    checkout: Checkout, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "modules.git"
    checkouts.git(tmp_path, "clone", "--quiet", "--bare", str(checkout.root), str(elsewhere))
    for tag in checkout.git("tag").split():
        checkout.git("tag", "--delete", tag)
    assert checkout.read()["releases"] == {}
    repository = checkout.read()["organization"]["github_repository"]
    checkout.environ.update(
        GIT_CONFIG_COUNT="1",
        GIT_CONFIG_KEY_0=f"url.{elsewhere}.insteadOf",
        GIT_CONFIG_VALUE_0=f"https://github.com/{repository}.git",
    )

    try:
        document = checkout.read(scopes=["stage"])
    finally:
        for name in ("GIT_CONFIG_COUNT", "GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0"):
            del checkout.environ[name]

    assert document["releases"]["registry"]
    assert "registry" in {entry["name"] for entry in document["modules"]}


def test_what_does_not_parse_is_a_problem_with_file_and_line(checkout: Checkout) -> None:
    file = f"{DEV}/registry/terragrunt.hcl"
    lines = checkout.path(file).read_text().count("\n")
    checkout.append(file, "inputs = {\n")
    checkout.append("modules/watch/main.tf", "resource {{\n")
    checkout.write("live/organization.yaml", "accounts: [\n")

    problems = {problem["file"]: problem for problem in checkout.read()["problems"]}

    assert set(problems) == {file, "modules/watch/main.tf", "live/organization.yaml"}
    assert problems[file]["line"] == lines + 1
    assert problems[file]["message"]
    assert problems["live/organization.yaml"]["line"] == 2
    assert {finding.rule for finding in checkout.judge()} >= {"TREE-001"}


@pytest.mark.parametrize(
    "text",
    [
        'm = { k = run_cmd("id"), k = "fine" }',
        'm = {\n  k : run_cmd("id")\n  "k" = "fine"\n}',
        'm = { (local.k) = run_cmd("id"), (local.k) = "fine" }',
        'm = { ("k") = run_cmd("id"), "${("k")}" = "fine" }',
        'm = { "a${"}"}" = run_cmd("id"), "a${"}"}" = "fine" }',
        'm = { k = <<-E\n    } " # ${"E"}\n  E\n  k = "fine"\n}',
        'm = { # {\n  k = "\\"}" /* } */, k = "fine"\n}',
        'm = [for x in y : { k = run_cmd("id"), k = "fine" }]',
        'm = "%{if true}${{ k = run_cmd("id"), k = "fine" }.k}%{endif}"',
        'm = <<E\n  ${{ k = run_cmd("id")\n k = "fine" }.k} x\nE\ny = 1',
        'terraform = [{ source = "x" }]\nterraform {\n  before_hook "x" {}\n}',
        "a {\n  b {}\n  b = 1\n}",
    ],
)
def test_what_the_json_would_hide_is_a_problem(text: str, checkout: Checkout) -> None:
    parsed = Parser(checkout.environ).parse({"x.hcl": f"{text}\n"})

    assert parsed.documents == {}
    assert "stands twice" in parsed.problems[0].message
    assert 0 < parsed.problems[0].line <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('m = { "\\u006b" = 1, k = 2 }', "spelled with an escape"),
        ('m = "$$${x}"', "not clear"),
    ],
)
def test_what_cannot_be_told_apart_is_a_problem(
    text: str, message: str, checkout: Checkout
) -> None:
    parsed = Parser(checkout.environ).parse({"x.hcl": f"{text}\n"})

    assert message in parsed.problems[0].message


@pytest.mark.parametrize(
    "text",
    [
        "a {}\na {}",
        "m = [{ k = 1 }, { k = 1 }]",
        "m = {\n  for k, v in x : k => v == 1 ?\n  k :\n  v\n}",
        "m = { a = { k = 1 }, k = f(k, { k = 2 }) }",
        'm = "$${k = 1, k = 2}"',
        "m = <<E\nk = 1\nk = 2\nE\n",
        "# k = 1\nk = 2 // k = 3\n/* k = 4 */",
    ],
)
def test_what_stands_once_is_no_problem(text: str, checkout: Checkout) -> None:
    assert Parser(checkout.environ).parse({"x.hcl": f"{text}\n"}).problems == ()


def test_a_file_is_judged_as_its_bytes_are(checkout: Checkout) -> None:
    file = f"{PROD}/env.hcl"
    text = 'locals {\n  a = <<E\nx\rE\n/*\nE\n  b = upper("b")\n  # */\n}\n'
    checkout.path(file).write_bytes(text.encode())

    assert [problem["file"] for problem in checkout.read()["problems"]] == [file]


def test_removed_and_check_blocks_are_looked_into(checkout: Checkout) -> None:
    checkout.append(
        "modules/watch/main.tf",
        "removed {\n  from = aws_x.y\n  lifecycle {\n    destroy = true\n  }\n"
        '  provisioner "local-exec" {\n    command = "id"\n  }\n}\n'
        'check "x" {\n  data "aws_lambda_invocation" "y" {}\n'
        "  assert {\n    condition = true\n  }\n}\n",
    )

    (module,) = [
        entry
        for entry in checkout.read()["modules"]
        if (entry["name"], entry["version"]) == ("watch", "local")
    ]

    (removed,) = module["removed"]
    assert removed["keys"] == ["from", "lifecycle", "lifecycle.destroy", "provisioner"]
    assert "check.x.data.aws_lambda_invocation.y" in {entry["address"] for entry in module["data"]}


def test_a_tag_of_no_reviewed_commit_is_no_release(checkout: Checkout) -> None:
    base = checkout.commit()
    tree = checkout.git("rev-parse", "HEAD^{tree}").strip()
    checkout.git("tag", "modules/registry/v9.0.0", "HEAD")
    stray = checkout.git("commit-tree", tree, "-m", "unreviewed").strip()
    checkout.git("tag", "modules/registry/v9.0.1", stray)
    checkout.write("modules/registry/x.tf", "")
    checkout.commit()
    checkout.git("tag", "modules/registry/v9.0.2", "HEAD")

    assert {"9.0.0", "9.0.2"} <= set(checkout.read()["releases"]["registry"])
    assert "9.0.1" not in checkout.read()["releases"]["registry"]
    assert "9.0.2" not in checkout.read(base=base)["releases"]["registry"]
    assert "9.0.0" in checkout.read(base=base)["releases"]["registry"]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00", b'x = "\xff"\n', b"a" * 100_000])
def test_no_file_makes_it_crash(content: bytes, checkout: Checkout) -> None:
    file = f"{DEV}/registry/terragrunt.hcl"
    checkout.path(file).write_bytes(content)

    findings = checkout.judge(scopes=["dev"])

    assert any(finding.file == file for finding in findings)


@pytest.mark.parametrize(
    "content", ["", "- a\n", "accounts: 3\n", "promotion: {a: 1}\n", "x: 2026-01-01\n"]
)
def test_no_organization_makes_it_crash(content: str, checkout: Checkout) -> None:
    checkout.write("live/organization.yaml", content)

    assert checkout.judge()


def test_a_link_that_leads_elsewhere_is_a_problem(checkout: Checkout) -> None:
    checkout.path(f"{DEV}/extra").symlink_to("/etc")

    assert [problem["file"] for problem in checkout.read()["problems"]] == [f"{DEV}/extra"]


def test_shapes_that_nobody_expects_are_no_crash(checkout: Checkout) -> None:
    checkout.write(
        f"{DEV}/registry/terragrunt.hcl",
        'terraform = "x"\ninclude = []\ndependency = { a = 1, b = [1, "x"] }\nlocals = 3\n',
    )
    checkout.write(f"{STAGE}/versions.hcl", 'locals {\n  versions = "${local.x}"\n}\n')
    checkout.write("modules/watch/extra.tf", 'resource = 1\ndata = ["x"]\nterraform = {}\n')

    findings = checkout.judge()

    assert {"UNIT-001", "UNIT-003", "TREE-005"} <= {finding.rule for finding in findings}


def test_images_at_the_base_are_what_an_environment_ran_before(checkout: Checkout) -> None:
    checkout.write(f"{PROD}/images.hcl", 'locals {\n  images = { watch = "x@sha256:1" }\n}\n')
    base = checkout.commit()
    checkout.write(f"{PROD}/images.hcl", 'locals {\n  images = { watch = "x@sha256:2" }\n}\n')

    environments = {entry["name"]: entry for entry in checkout.read(base=base)["environments"]}

    assert environments["prod"]["images"] == {"watch": "x@sha256:2"}
    assert environments["prod"]["images_before"] == {"watch": "x@sha256:1"}


def test_releases_that_were_not_looked_up_are_not_known(checkout: Checkout) -> None:
    document = checkout.read(releases=False)

    assert document["releases"] is None
    assert {entry["version"] for entry in document["modules"]} == {"local"}


@pytest.mark.parametrize(
    ("config_path", "target"),
    [
        ("../registry", "a/b/c/registry"),
        ("../../account/dns-zone", "a/b/account/dns-zone"),
        ("../registry/", "a/b/c/registry"),
        ("../../../../../../etc", ""),
        ("registry", ""),
        ("/etc/passwd", ""),
        ("../${local.x}", ""),
        ("..\\registry", ""),
        ("", ""),
        (None, ""),
        (["../registry"], ""),
    ],
)
def test_a_dependency_is_followed_by_reading_alone(config_path: object, target: str) -> None:
    found = configuration._dependency("a/b/c/unit", "x", {"config_path": config_path})

    assert found["target"] == target


def test_without_its_parser_it_does_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(CommandFailedError, match="hcl2json is not on PATH"):
        Parser({"PATH": str(tmp_path)}).parse({"x": "a = 1"})


def test_this_projects_own_configuration_is_allowed(checkout: Checkout) -> None:
    findings = checkout.judge()

    assert [f"{finding.rule} {finding.file}: {finding.message}" for finding in findings] == []
