"""Building the functions: the same bytes from the same inputs, for either architecture."""

import json
import os
import shutil
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools import build_functions
from tools.build_functions import (
    Architecture,
    Function,
    build_package,
    build_tree,
    find_functions,
    input_digest,
    main,
    write_zip,
)
from tools.errors import ToolsError
from tools.paths import ROOT

X86 = Architecture.X86_64


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the build reads, so that a test may change it."""
    root = tmp_path_factory.mktemp("workspace") / "checkout"
    root.mkdir()
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, root)
    for folder in ("functions", "pki"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.fixture
def checkout(workspace: Path, tmp_path: Path) -> Path:
    """A workspace of the test's own."""
    return shutil.copytree(workspace, tmp_path / "checkout")


def names(package: Path) -> list[str]:
    with zipfile.ZipFile(package) as archive:
        return archive.namelist()


def test_every_function_of_the_workspace_is_found() -> None:
    found = find_functions(ROOT)

    assert {"authorizer", "est", "issuer", "token", "token-binding", "whoami"} <= set(found)
    assert found["token-binding"] == Function(
        "token-binding",
        ROOT / "functions" / "token_binding",
        "mtls-token-binding",
        frozenset({"kms"}),
    )


def test_two_checkouts_give_the_same_bytes(workspace: Path, tmp_path: Path) -> None:
    # GIVEN a second checkout elsewhere, with other times and modes, and somebody else's bytecode
    second = shutil.copytree(workspace, tmp_path / "second" / "checkout")
    for path in second.rglob("*.py"):
        os.utime(path, (1_600_000_000, 1_600_000_000))
        path.chmod(0o600)
    stray = second / "functions" / "token_binding" / "src" / "mtls_token_binding" / "__pycache__"
    stray.mkdir()
    (stray / "handler.cpython-313.pyc").write_bytes(b"stale")

    packages = [
        build_package(root, find_functions(root)["token-binding"], X86, tmp_path / root.parent.name)
        for root in (workspace, second)
    ]

    assert packages[0].sha256 == packages[1].sha256
    assert not packages[1].reused


@pytest.fixture(scope="module")
def package(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authorizer for the architecture that this machine perhaps is not."""
    function = find_functions(workspace)["authorizer"]
    output = tmp_path_factory.mktemp("output")
    return Path(build_package(workspace, function, Architecture.ARM64, output).path)


class TestPackage:
    def test_lies_where_it_is_looked_for(self, package: Path) -> None:
        assert package.parts[-2:] == ("arm64", "authorizer.zip")

    def test_holds_handler_and_shared_package(self, package: Path) -> None:
        assert {"mtls_authorizer/handler.py", "clientcert/fingerprint.py"} <= set(names(package))

    def test_holds_libraries_of_its_architecture_only(self, package: Path) -> None:
        with zipfile.ZipFile(package) as archive:
            libraries = [name for name in archive.namelist() if name.endswith(".so")]
            machines = {archive.read(name)[18:20] for name in libraries}

        assert libraries
        assert machines == {b"\xb7\x00"}  # EM_AARCH64 of the ELF header

    def test_holds_bytecode_that_is_never_checked_against_its_source(self, package: Path) -> None:
        with zipfile.ZipFile(package) as archive:
            compiled = {name for name in archive.namelist() if name.endswith(".pyc")}
            flags = {archive.read(name)[4:8] for name in compiled}

        assert "mtls_authorizer/__pycache__/handler.cpython-313.pyc" in compiled
        assert flags == {b"\x01\x00\x00\x00"}  # PEP 552: hash-based, unchecked

    def test_has_fixed_order_times_and_modes(self, package: Path) -> None:
        with zipfile.ZipFile(package) as archive:
            entries = archive.infolist()

        assert [entry.filename for entry in entries] == sorted(names(package))
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        for entry in entries:
            mode = 0o755 if ".so" in entry.filename else 0o644
            assert stat.S_IMODE(entry.external_attr >> 16) == mode

    def test_holds_licences_and_no_bookkeeping(self, package: Path) -> None:
        held = names(package)

        assert any("cryptography" in name and "LICENSE" in name for name in held)
        assert not [name for name in held if name.endswith(("/RECORD", "/direct_url.json"))]
        assert not [name for name in held if name.startswith("bin/")]

    def test_names_no_path_of_the_machine_that_built_it(
        self, package: Path, workspace: Path
    ) -> None:
        with zipfile.ZipFile(package) as archive:
            telling = [
                name
                for name in archive.namelist()
                if os.fsencode(workspace) in (content := archive.read(name))
                or os.fsencode(package.parent) in content
            ]

        assert telling == []


@pytest.fixture(scope="module")
def issuer(workspace: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What the zip of a function that depends on pki holds."""
    function = find_functions(workspace)["issuer"]
    output = tmp_path_factory.mktemp("issuer")
    return names(Path(build_package(workspace, function, X86, output).path))


class TestTheCasPackage:
    def test_is_carried_by_a_function_that_depends_on_it(self, issuer: list[str]) -> None:
        assert {"pki/issuing.py", "pki/registry.py", "mtls_issuer/handler.py"} <= set(issuer)

    def test_brings_nothing_of_the_laptop(self, issuer: list[str]) -> None:
        top = {name.partition("/")[0] for name in issuer}

        assert not top & {"local", "tools", "tests", "twisted", "OpenSSL"}


class TestReuse:
    def test_unchanged_inputs_are_not_built_again(self, workspace: Path, tmp_path: Path) -> None:
        function = find_functions(workspace)["whoami"]
        first = build_package(workspace, function, X86, tmp_path)

        again = build_package(workspace, function, X86, tmp_path)

        assert (first.reused, again.reused) == (False, True)
        assert again.sha256 == first.sha256

    @pytest.mark.parametrize("damage", ["remove", "change"])
    def test_a_damaged_zip_is_built_again(
        self, workspace: Path, tmp_path: Path, damage: str
    ) -> None:
        function = find_functions(workspace)["whoami"]
        first = build_package(workspace, function, X86, tmp_path)
        target = Path(first.path)
        if damage == "remove":
            target.unlink()
        else:
            target.write_bytes(b"not a zip")

        again = build_package(workspace, function, X86, tmp_path)

        assert not again.reused
        assert again.sha256 == first.sha256

    @pytest.mark.parametrize(
        "changed",
        [
            "uv.lock",
            "functions/token/pyproject.toml",
            "functions/token/src/mtls_token/handler.py",
            "functions/clientcert/src/clientcert/fingerprint.py",
        ],
    )
    def test_an_input_that_changes_counts(self, checkout: Path, changed: str) -> None:
        function = find_functions(checkout)["token"]
        before = input_digest(checkout, function, X86)
        with (checkout / changed).open("a") as file:
            file.write("\n# changed\n")

        assert input_digest(checkout, function, X86) != before

    def test_a_new_module_counts(self, checkout: Path) -> None:
        function = find_functions(checkout)["token"]
        before = input_digest(checkout, function, X86)
        (checkout / "functions/token/src/mtls_token/new.py").write_text("")

        assert input_digest(checkout, function, X86) != before

    def test_another_function_does_not_count(self, checkout: Path) -> None:
        function = find_functions(checkout)["token"]
        before = input_digest(checkout, function, X86)
        (checkout / "functions/whoami/src/mtls_whoami/handler.py").write_text("")

        assert input_digest(checkout, function, X86) == before

    @pytest.mark.parametrize(("name", "counts"), [("issuer", True), ("token", False)])
    def test_the_cas_package_counts_where_it_is_carried(
        self, checkout: Path, name: str, *, counts: bool
    ) -> None:
        function = find_functions(checkout)[name]
        before = input_digest(checkout, function, X86)
        (checkout / "pki/new.py").write_text("")

        assert (input_digest(checkout, function, X86) != before) == counts

    def test_the_architecture_counts(self, workspace: Path) -> None:
        function = find_functions(workspace)["token"]

        digests = {input_digest(workspace, function, each) for each in Architecture}

        assert len(digests) == 2


class TestRefusals:
    def test_a_service_that_botocore_does_not_know_is_named(
        self, checkout: Path, tmp_path: Path
    ) -> None:
        project = checkout / "functions" / "token_binding" / "pyproject.toml"
        project.write_text(project.read_text().replace('["kms"]', '["kms", "keymanagement"]'))
        function = find_functions(checkout)["token-binding"]

        with pytest.raises(ToolsError, match="keymanagement") as refused:
            build_package(checkout, function, X86, tmp_path / "output")
        assert "botocore's names" in refused.value.hint
        assert not list((tmp_path / "output").rglob("*.zip"))

    def test_a_function_without_its_services_is_named(self, checkout: Path) -> None:
        project = checkout / "functions" / "whoami" / "pyproject.toml"
        project.write_text(project.read_text().replace("aws-services", "services"))

        with pytest.raises(ToolsError, match=r"whoami/pyproject.toml: .* no list aws-services"):
            find_functions(checkout)

    def test_another_python_is_named(
        self, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build_functions, "PYTHON_VERSION", "3.14")

        with pytest.raises(ToolsError, match=r"this is Python 3\.13"):
            build_package(workspace, find_functions(workspace)["whoami"], X86, tmp_path)

    def test_a_missing_uv_is_named(
        self, workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))

        with pytest.raises(ToolsError, match="uv: not found"):
            build_package(workspace, find_functions(workspace)["whoami"], X86, tmp_path)

    def test_a_lock_that_does_not_know_the_function_is_an_error(
        self, checkout: Path, tmp_path: Path
    ) -> None:
        (checkout / "uv.lock").write_text("version = 1\n")

        with pytest.raises(ToolsError, match="uv export"):
            build_package(checkout, find_functions(checkout)["whoami"], X86, tmp_path)

    def test_a_tree_is_not_built_over_something_else(self, workspace: Path, tmp_path: Path) -> None:
        (tmp_path / "mine").write_text("precious")

        with pytest.raises(ToolsError, match="not empty"):
            build_tree(workspace, find_functions(workspace)["whoami"], X86, tmp_path)
        assert (tmp_path / "mine").read_text() == "precious"


class TestCommand:
    def test_prints_what_was_built_as_json(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        code = main(["whoami", "--architecture", "amd64", "--output", str(tmp_path), "--json"])

        [package] = json.loads(capsys.readouterr().out)
        assert code == 0
        assert package["name"] == "whoami"
        assert package["architecture"] == "x86_64"
        assert Path(package["path"]).stat().st_size == package["size"]

    def test_a_tree_is_what_the_zip_holds(self, tmp_path: Path) -> None:
        # The image is made from the tree, the zip from the same call.
        main(["whoami", "--architecture", "x86_64", "--output", str(tmp_path)])
        main(["whoami", "--architecture", "x86_64", "--tree", str(tmp_path / "tree")])
        write_zip(tmp_path / "tree", tmp_path / "from-tree.zip")

        built = tmp_path / "x86_64" / "whoami.zip"
        assert (tmp_path / "from-tree.zip").read_bytes() == built.read_bytes()

    @pytest.mark.parametrize(
        ("arguments", "told"),
        [
            (["nothing"], "there are authorizer, "),
            (["--architecture", "riscv"], "there are x86_64, arm64"),
            (["--tree", "/nowhere"], "exactly one NAME"),
        ],
    )
    def test_wrong_usage_is_told(
        self, arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as stopped:
            main(arguments)

        assert stopped.value.code == 2
        assert told in capsys.readouterr().err

    def test_a_failure_is_told_with_a_hint(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))

        assert main(["whoami", "--output", str(tmp_path)]) == 1
        captured = capsys.readouterr()
        assert captured.out == ""
        assert "hint: install uv" in captured.err


def test_the_image_is_built_from_every_function_and_from_the_same_command() -> None:
    dockerfile = (ROOT / "functions" / "Dockerfile").read_text()

    for name, function in find_functions(ROOT).items():
        package = function.distribution.replace("-", "_")
        assert f'FROM runtime AS {name}\nCMD ["{package}.handler.handler"]' in dockerfile
    assert f"python -m {build_functions.__name__}" in dockerfile


def test_the_dockerfile_is_clean() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    subprocess.run([str(hadolint), str(ROOT / "functions" / "Dockerfile")], check=True)


def test_the_image_context_holds_all_that_the_command_needs(tmp_path: Path) -> None:
    # GIVEN only what Dockerfile.dockerignore lets through
    ignore = (ROOT / "functions" / "Dockerfile.dockerignore").read_text().splitlines()
    for pattern in (line[1:] for line in ignore if line.startswith("!")):
        for path in ROOT.glob(pattern):
            target = tmp_path / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, target)

    subprocess.run(
        [sys.executable, "-m", "tools.build_functions", "whoami", "--tree", str(tmp_path / "tree")],
        cwd=tmp_path,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )

    assert (tmp_path / "tree" / "mtls_whoami" / "handler.py").is_file()
