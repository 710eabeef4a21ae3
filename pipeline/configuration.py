"""What ``live/`` and the modules say, as one document for the policies of ``policies/live``.

It is made from text alone: no Terragrunt and no Terraform runs, so that a change is judged before
any of its code can run. A module is read at the version that its environment pins: this working
tree for ``local``, the git tag ``modules/<name>/v<version>`` for a release.
"""

import io
import itertools
import re
import subprocess
import tarfile
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from pipeline.git import Git
from pipeline.hcl import Parsed, Parser, Problem
from pipeline.modules import FOLDER as MODULES
from pipeline.pins import LOCAL, VERSIONS_FILE
from pipeline.tree import LIVE, UNIT_FILE, Layout, Scope

VERSION = 1
"""Of the document's form: ``policies/schemas/live.json``."""

IMAGES_FILE = "images.hcl"
ORGANIZATION_FILE = f"{LIVE}/organization.yaml"
READ_BY_NAME = frozenset(
    {
        "account.hcl",
        "env.hcl",
        IMAGES_FILE,
        "no-images.hcl",
        "region.hcl",
        "root.hcl",
        "terragrunt.hcl",
        "terragrunt.hcl.json",
        "terragrunt.stack.hcl",
        "terragrunt.values.hcl",
        VERSIONS_FILE,
    }
)
"""Files that Terragrunt takes where it finds them, also above ``live/``."""

_SOURCE = re.compile(r'\$\{include\.root\.locals\.sources\["([a-z0-9-]+)"\]\}')
_TAG = re.compile(rf"{MODULES}/([a-z0-9-]+)/v([0-9]+\.[0-9]+\.[0-9]+)")
_CONFIG = re.compile(rf"{LIVE}/([^/]+/){{0,3}}[^/]+\.hcl")
_CALLED = re.compile(r"\.\./([a-z0-9-]+)/?")
_HOOK = frozenset({"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"})
_SETTINGS = ("key_usage", "customer_master_key_spec")
"""Settings of a resource that tell whether it keeps something, apart from its lifecycle."""


def read(
    root: Path,
    parser: Parser,
    *,
    scopes: Collection[str] | None = None,
    modules: Collection[str] = (),
    base: str = "",
    releases: bool = True,
    environ: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Make the document.

    Args:
        root: the checkout.
        parser: reads HCL.
        scopes: which units to look into; None for all of them and every module. The pins of all
            environments are always there, since each is held against the one before it.
        modules: modules of this working tree to look into as well, whoever takes them.
        base: the commit that the change is seen from; empty when there is none.
        releases: whether to look for the releases that pins name; else nothing is known of them.
        environ: the environment of Git; this process's own when None.

    Raises:
        UsageError: there is no such scope, or no such commit.
        CommandFailedError: Git or the parser does not run.
    """
    git = Git(root) if environ is None else Git(root, environ)
    return _Reader(root, git, parser, base, releases).read(scopes, modules)


@dataclass
class _Reader:
    root: Path
    git: Git
    parser: Parser
    base: str
    follows_releases: bool
    problems: list[Problem] = field(default_factory=list)

    def read(self, scopes: Collection[str] | None, modules: Collection[str]) -> dict[str, Any]:
        files = self._files()
        organization = self._organization(files)
        layout = Layout.of(files, _promotion_only(organization))
        released_in = self._repository_of_releases(organization)
        wanted = _wanted(layout, scopes)
        folders = {scope.folder for scope in wanted}
        units = [unit for unit in layout.units if unit.rpartition("/")[0] in folders]
        parsed = self._parse(
            file
            for file in files
            if _is_config(file, folders) or file in {_unit_file(unit) for unit in units}
        )
        described = [
            _unit(path, layout, parsed.documents[_unit_file(path)], self._shown(_unit_file(path)))
            for path in units
            if _unit_file(path) in parsed.documents
        ]
        environments = self._environments(layout, files, folders, parsed.documents)
        releases = self._releases(released_in) if self.follows_releases else None
        pins = {entry["folder"]: entry["versions"] for entry in environments}
        taken = {
            (unit["module"], pins.get(_folder(unit), {}).get(unit["module"])) for unit in described
        }
        local = {name for name, version in taken if version == LOCAL} | set(modules)
        if scopes is None:
            local |= {file.split("/")[1] for file in files if file.startswith(f"{MODULES}/")}
        released = {
            (name, version)
            for name, version in taken
            if releases is not None and version in releases.get(name, ())
        }
        return {
            "version": VERSION,
            "organization": organization,
            "promotion": list(layout.promotion),
            "scopes": sorted(scope.name for scope in wanted),
            "paths": list(layout.units),
            "units": described,
            "configs": [
                {
                    "file": file,
                    "keys": sorted(document),
                    "hcl": document,
                    "text": self._shown(file),
                }
                for file, document in sorted(parsed.documents.items())
                if not file.endswith(f"/{UNIT_FILE}")
            ],
            "environments": environments,
            "modules": self._modules(local, released, files, released_in),
            "releases": releases,
            "files": files + self._read_by_name(),
            "problems": [asdict(problem) for problem in self.problems],
            "protected": None,
        }

    def _files(self) -> list[str]:
        """What Git knows or would add, and is there, below live/ and modules/."""
        names = self.git.run(
            *("ls-files", "-z", "--cached", "--others", "--exclude-standard"), "--", LIVE, MODULES
        )
        found = []
        for name in sorted(set(names.split("\0")) - {""}):
            path = self.root / name
            if path.is_symlink():
                self.problems.append(Problem(name, 0, "a symbolic link leads elsewhere"))
            elif path.is_dir():
                self.problems.append(Problem(name, 0, "another repository is no part of this one"))
            elif path.exists():
                found.append(name)
        return found

    def _read_by_name(self) -> list[str]:
        """What Terragrunt would take from outside live/, if it is a link, or not there, too."""
        names = self.git.run("ls-files", "-z", "--cached", "--others", "--exclude-standard")
        return sorted(
            name
            for name in set(names.split("\0"))
            if PurePosixPath(name).name in READ_BY_NAME
            and not name.startswith((f"{LIVE}/", f"{MODULES}/"))
        )

    def _releases(self, git: Git) -> dict[str, list[str]]:
        """The versions of each module that have a tag; of this checkout's, those on its main.

        Anybody who may push may make a tag; what it names was reviewed if the change's base has it.
        """
        merged = ("--merged", self.base or "HEAD") if git is self.git else ()
        found: dict[str, list[str]] = {}
        for name in git.run("tag", "--list", *merged, f"{MODULES}/*/v*").splitlines():
            tag = _TAG.fullmatch(name)
            if tag:
                found.setdefault(tag[1], []).append(tag[2])
        return {name: sorted(versions) for name, versions in sorted(found.items())}

    def _organization(self, files: Collection[str]) -> dict[str, Any]:
        if ORGANIZATION_FILE not in files:
            self.problems.append(Problem(ORGANIZATION_FILE, 0, "the file is missing"))
            return {}
        try:
            found = yaml.safe_load((self.root / ORGANIZATION_FILE).read_text("utf-8"))
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            mark = getattr(error, "problem_mark", None)
            line = mark.line + 1 if mark is not None else 0
            self.problems.append(Problem(ORGANIZATION_FILE, line, f"it is no YAML: {error}"))
            return {}
        if not isinstance(found, dict):
            self.problems.append(Problem(ORGANIZATION_FILE, 0, "it is no map"))
            return {}
        return {str(key): _plain(value) for key, value in found.items()}

    def _parse(self, files: Iterable[str]) -> Parsed:
        texts = {file: self._text(file) for file in files}
        parsed = self.parser.parse(texts)
        self.problems += parsed.problems
        return parsed

    def _text(self, file: str) -> str:
        # By bytes: a lone carriage return ends no line of HCL.
        return (self.root / file).read_bytes().decode("utf-8", errors="surrogateescape")

    def _shown(self, file: str) -> str:
        """A file as it stands, comments and all: to look for words that its JSON may not have."""
        return (self.root / file).read_bytes().decode("utf-8", errors="replace")

    def _environments(
        self,
        layout: Layout,
        files: Collection[str],
        folders: Collection[str],
        documents: Mapping[str, dict[str, Any]],
    ) -> list[dict[str, Any]]:
        others = self._parse(
            file
            for file in files
            if PurePosixPath(file).name in {VERSIONS_FILE, IMAGES_FILE}
            and file.count("/") == 4
            and file not in documents
        )
        known = {**documents, **others.documents}
        before = self._images_before(folders, files)
        previous = _previous(layout)
        described = []
        for scope in layout.scopes():
            folder = f"{LIVE}/{scope.folder}"
            versions, images = f"{folder}/{VERSIONS_FILE}", f"{folder}/{IMAGES_FILE}"
            described.append(
                {
                    "name": scope.name,
                    "folder_name": scope.environment,
                    "account": scope.account,
                    "region": scope.region,
                    "folder": scope.folder,
                    "file": versions,
                    "images_file": images,
                    "previous": previous.get(scope.name),
                    "is_environment": scope.is_environment,
                    "files": sorted(
                        PurePosixPath(file).name for file in files if _parent(file) == folder
                    ),
                    "versions": _map(known.get(versions), "versions"),
                    "images": _map(known.get(images), "images"),
                    "images_before": before.get(scope.folder),
                }
            )
        return described

    def _images_before(
        self, folders: Collection[str], files: Collection[str]
    ) -> dict[str, dict[str, Any]]:
        """The images that each environment had at the base: what is deployed may stay."""
        if not self.base:
            return {}
        texts = {}
        for folder in folders:
            file = f"{LIVE}/{folder}/{IMAGES_FILE}"
            text = self.git.read(self.base, file) if file in files else None
            if text is not None:
                texts[folder] = text
        parsed = self.parser.parse(texts)  # one that could not be read is no excuse for anything
        return {folder: _map(document, "images") for folder, document in parsed.documents.items()}

    def _repository_of_releases(self, organization: Mapping[str, Any]) -> Git:
        """Where pins resolve: this checkout, or what Git is told to take in GitHub's place."""
        url = f"https://github.com/{organization.get('github_repository')}.git"
        place = Path(self.git.run("ls-remote", "--get-url", url).strip().removeprefix("file://"))
        if not place.is_absolute() or not place.is_dir():
            return self.git
        # A hook of Git leaves in the environment which repository it is about.
        environ = {name: value for name, value in self.git.environ.items() if name not in _HOOK}
        return Git(place, environ)

    def _modules(
        self,
        local: Collection[str],
        released: Collection[tuple[str, Any]],
        files: Collection[str],
        released_in: Git,
    ) -> list[dict[str, Any]]:
        """Modules at their versions, and the neighbours that each calls at the same one."""
        described: dict[tuple[str, str], dict[str, Any]] = {}
        waiting = [(name, LOCAL, "") for name in sorted(local)]
        waiting += [
            (name, str(version), f"refs/tags/{MODULES}/{name}/v{version}")
            for name, version in sorted(released)
        ]
        while waiting:
            batch = {
                entry: self._released(released_in, entry[0], entry[2])
                if entry[2]
                else self._local(entry[0], files)
                for entry in waiting
                if (entry[0], entry[2]) not in described
            }
            parsed = self.parser.parse(
                {
                    f"{ref}:{file}": text
                    for (_, _, ref), contents in batch.items()
                    for file, text in contents.items()
                    if file.endswith(".tf")
                }
            )
            self.problems += [
                Problem(problem.file.partition(":")[2], problem.line, _at(problem))
                for problem in parsed.problems
            ]
            waiting = []
            for (name, version, ref), contents in batch.items():
                sources = {
                    file: parsed.documents[f"{ref}:{file}"]
                    for file in contents
                    if f"{ref}:{file}" in parsed.documents
                }
                described[name, ref] = _module(name, version, sorted(contents), sources)
                waiting += [
                    (called[1], version, ref)
                    for call in described[name, ref]["calls"]
                    if isinstance(call["source"], str)
                    and (called := _CALLED.fullmatch(call["source"]))
                ]
        return [described[key] for key in sorted(described)]

    def _local(self, name: str, files: Collection[str]) -> dict[str, str]:
        """The files of a module and what Terraform reads of them; of the rest, nothing."""
        inside = [file for file in files if file.startswith(f"{MODULES}/{name}/")]
        return {file: self._text(file) if _is_source(file) else "" for file in inside}

    def _released(self, git: Git, name: str, ref: str) -> dict[str, str]:
        """The same of a release, without checking it out."""
        folder = f"{MODULES}/{name}"
        done = subprocess.run(
            ["git", "archive", "--format=tar", ref, "--", folder],
            cwd=git.root,
            env=dict(git.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode != 0:
            reason = done.stderr.decode(errors="replace").strip()
            self.problems.append(Problem(folder, 0, f"{ref} cannot be read: {reason}"))
            return {}
        found: dict[str, str] = {}
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is not None:
                    text = content.read().decode("utf-8", errors="surrogateescape")
                    found[member.name] = text if _is_source(member.name) else ""
                elif not member.isdir():
                    self.problems.append(Problem(member.name, 0, f"{ref}: it is no plain file"))
        return found


def _wanted(layout: Layout, scopes: Collection[str] | None) -> tuple[Scope, ...]:
    """The scopes to look into: environments stand on the folders of their account."""
    everything = layout.scopes()
    if scopes is None:
        return everything
    chosen = {layout.scope(name) for name in scopes}
    shared = {scope.account for scope in chosen if not scope.is_environment}
    return tuple(
        scope
        for scope in everything
        if scope in chosen or (scope.is_environment and scope.account in shared)
    )


def _previous(layout: Layout) -> dict[str, str]:
    """Each scope and the one that a release passes through before it."""
    environments = [scope for scope in layout.scopes() if scope.is_environment]
    order = [scope for name in layout.promotion for scope in environments if scope.name == name]
    found = {after.name: before.name for before, after in itertools.pairwise(order)}
    accounts = list(dict.fromkeys(scope.account for scope in order))
    own = {scope.name for scope in layout.scopes() if not scope.is_environment}
    for name in own:
        account, _, folder = name.partition("/")
        if account in accounts[1:]:
            before = f"{accounts[accounts.index(account) - 1]}/{folder}"
            if before in own:
                found[name] = before
    return found


def _unit(path: str, layout: Layout, document: dict[str, Any], text: str) -> dict[str, Any]:
    account, region, environment, name = path.split("/")
    source = _first(document, "terraform").get("source")
    taken = _SOURCE.fullmatch(source) if isinstance(source, str) else None
    return {
        "path": path,
        "account": account,
        "region": region,
        "environment": environment,
        "name": name,
        "scope": layout.scope_of(path).name,
        "file": _unit_file(path),
        "keys": sorted(document),
        "module": taken[1] if taken else "",
        "dependencies": [
            _dependency(path, label, block) for label, block in _labelled(document, "dependency")
        ],
        "hcl": document,
        "text": text,
    }


def _dependency(path: str, label: str, block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": label,
        "target": _target(path, block.get("config_path")),
        "keys": sorted(block),
        "mock_outputs": block.get("mock_outputs"),
        "commands": block.get("mock_outputs_allowed_terraform_commands"),
        "merge_strategy": block.get("mock_outputs_merge_strategy_with_state"),
    }


def _target(path: str, config_path: object) -> str:
    """The path of the unit that a dependency names; empty where its text alone does not tell."""
    if not isinstance(config_path, str) or not re.fullmatch(
        r"(\.\./)+[A-Za-z0-9_/-]+", config_path
    ):
        return ""
    place = list(PurePosixPath(path).parts)
    for part in PurePosixPath(config_path).parts:
        if part != "..":
            place.append(part)
        elif place:
            place.pop()
        else:
            return ""
    return "/".join(place)


def _module(
    name: str, version: str, files: list[str], sources: Mapping[str, dict[str, Any]]
) -> dict[str, Any]:
    """What the rules ask of a module: which code it brings, and what it protects."""
    facts: dict[str, list[dict[str, Any]]] = {
        key: []
        for key in (
            *("providers", "data", "resources", "provisioners", "calls", "backends", "blocks"),
            "removed",
        )
    }
    for file, document in sources.items():
        facts["blocks"] += [{"type": key, "file": file} for key in sorted(document)]
        for settings in _blocks(document, "terraform"):
            facts["backends"] += [
                {"type": key, "file": file} for key in ("backend", "cloud") if key in settings
            ]
            for required in _blocks(settings, "required_providers"):
                facts["providers"] += [
                    _provider(key, given, file) for key, given in required.items()
                ]
        for mode in ("data", "ephemeral", "resource"):
            for kind, labelled in _blocks_by_type(document, mode):
                for label, block in labelled:
                    address = f"{kind}.{label}" if mode == "resource" else f"{mode}.{kind}.{label}"
                    entry = {"type": kind, "address": address, "file": file}
                    facts["resources" if mode == "resource" else "data"].append(
                        entry | (_settings(block) if mode == "resource" else {})
                    )
                    facts["provisioners"] += [
                        {"type": key, "address": address, "file": file}
                        for key in _labels(block, "provisioner")
                    ]
        for title, check in _labelled(document, "check"):
            facts["data"] += [
                {"type": kind, "address": f"check.{title}.data.{kind}.{label}", "file": file}
                for kind, labelled in _blocks_by_type(check, "data")
                for label, _ in labelled
            ]
        facts["removed"] += [
            {"address": f"removed {block.get('from')}", "keys": _nested_keys(block), "file": file}
            for block in _blocks(document, "removed")
        ]
        facts["calls"] += [
            {"name": label, "source": block.get("source"), "file": file}
            for label, block in _labelled(document, "module")
        ]
    return {
        "name": name,
        "version": version,
        "file": f"{MODULES}/{name}",
        "files": files,
        **facts,
    }


def _provider(name: str, given: object, file: str) -> dict[str, Any]:
    known = given if isinstance(given, dict) else {}
    return {
        "name": name,
        "source": known.get("source"),
        "version": known.get("version"),
        "file": file,
    }


def _settings(block: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "prevent_destroy": _first(block, "lifecycle").get("prevent_destroy"),
        **{key: block.get(key) for key in _SETTINGS},
    }


def _nested_keys(block: Mapping[str, Any]) -> list[str]:
    """What a block holds, and the blocks in it: ``lifecycle.destroy``."""
    inner = {f"{key}.{name}" for key in block for nested in _blocks(block, key) for name in nested}
    return sorted({*block, *inner})


def _blocks(document: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The blocks of one type: a list of maps in the JSON of HCL."""
    found = document.get(key)
    return [block for block in found if isinstance(block, dict)] if isinstance(found, list) else []


def _first(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    return next(iter(_blocks(document, key)), {})


def _labelled(document: Mapping[str, Any], key: str) -> list[tuple[str, dict[str, Any]]]:
    """The blocks of one type with a label: a map of lists."""
    found = document.get(key)
    if not isinstance(found, dict):
        return []
    return [(label, block) for label in sorted(found) for block in _blocks(found, label)]


def _labels(document: Mapping[str, Any], key: str) -> list[str]:
    found = document.get(key)
    return sorted(found) if isinstance(found, dict) else []


def _blocks_by_type(
    document: Mapping[str, Any], key: str
) -> list[tuple[str, list[tuple[str, dict[str, Any]]]]]:
    found = document.get(key)
    if not isinstance(found, dict):
        return []
    return [(kind, _labelled(found, kind)) for kind in sorted(found)]


def _map(document: dict[str, Any] | None, name: str) -> dict[str, Any]:
    """The map that a file's locals hold; what is no map is told of by a rule over the file."""
    found = _first(document or {}, "locals").get(name)
    return found if isinstance(found, dict) else {}


def _is_config(file: str, folders: Collection[str]) -> bool:
    """Whether a file stands on the way to one of the folders of units."""
    if not _CONFIG.fullmatch(file):
        return False
    folder = _parent(file).removeprefix(LIVE).removeprefix("/")
    return any(f"{known}/".startswith(f"{folder}/") or not folder for known in folders)


def _is_source(file: str) -> bool:
    return file.endswith(".tf") and file.count("/") == 2


def _parent(file: str) -> str:
    return file.rpartition("/")[0]


def _folder(unit: Mapping[str, Any]) -> str:
    return str(unit["path"]).rpartition("/")[0]


def _unit_file(path: str) -> str:
    return f"{LIVE}/{path}/{UNIT_FILE}"


def _at(problem: Problem) -> str:
    ref = problem.file.partition(":")[0].removeprefix("refs/tags/")
    return f"{ref}: {problem.message}" if ref else problem.message


def _promotion_only(organization: Mapping[str, Any]) -> str:
    """The order of environments, where it is one; a rule says so where it is not."""
    found = organization.get("promotion")
    names = [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
    return yaml.safe_dump({"promotion": names})


def _plain(value: Any) -> Any:
    """As JSON has it: YAML knows dates and keys that are no text."""
    if isinstance(value, dict):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
