"""What must hold of Terraform files, read without Terraform, against the schema of the provider.

It finds what `terraform validate` finds first: arguments that the provider does not know or misses,
names that lead nowhere, variables that nobody uses. Types it leaves to Terraform.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import hcl2

SCHEMA = json.loads((Path(__file__).parent / "data/azurerm.json").read_text("utf-8"))
PLAIN = hcl2.SerializationOptions(with_comments=False, strip_string_quotes=True)
BLOCK = "__is_block__"  # hcl2's mark on what is written as a block
META = frozenset({"for_each", "count", "depends_on", "provider", "lifecycle", "source"})
BUILT_IN = {"terraform_data": {"id", "input", "output", "triggers_replace"}}
NAME = re.compile(r"(?<![\w.\"])(var|local|module|data|[a-z]+_\w+)\.((?:\w+\.)*\w+)")
CREDENTIAL = re.compile(r"password|passphrase|secret$|token|_key$|connection_string|private")
NO_SECRETS = {"keys_secret_id", "key_vault_secret_id"}


@dataclass
class Folder:
    """One configuration: all files of a folder."""

    path: Path
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    locals: dict[str, Any] = field(default_factory=dict)
    modules: dict[str, dict[str, Any]] = field(default_factory=dict)
    resources: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    data: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    settings: list[dict[str, Any]] = field(default_factory=list)


def read(path: Path) -> Folder:
    """Return what is in the files of a folder."""
    found = Folder(path)
    for file in sorted(path.glob("*.tf")):
        content = hcl2.loads(file.read_text("utf-8"), serialization_options=PLAIN)
        for kind, into in (
            ("variable", found.variables),
            ("output", found.outputs),
            ("module", found.modules),
        ):
            for block in content.get(kind, []):
                into.update(block)
        for block in content.get("locals", []):
            found.locals.update({name: block[name] for name in block if name != BLOCK})
        for kind, of in (("resource", found.resources), ("data", found.data)):
            for block in content.get(kind, []):
                of.update({(t, n): body for t, named in block.items() for n, body in named.items()})
        found.settings += content.get("terraform", [])
    return found


def problems(root: Path) -> list[str]:
    """Return all that is wrong in the folders below `root`; nothing if they are right."""
    folders = {path.parent.resolve() for path in root.rglob("*.tf")}
    configurations = {path: read(path) for path in sorted(folders)}
    return [
        f"{path.relative_to(root.resolve())}: {problem}"
        for path, folder in configurations.items()
        for problem in _problems(folder, configurations)
    ]


def _problems(folder: Folder, others: dict[Path, Folder]) -> Iterator[str]:
    yield from _settings(folder)
    for kind, blocks in (("variable", folder.variables), ("output", folder.outputs)):
        for name, body in blocks.items():
            if not body.get("description"):
                yield f"{kind} {name} has no description"
    for name, body in folder.variables.items():
        if "type" not in body:
            yield f"variable {name} has no type"
    for (kind, name), body in folder.resources.items():
        if kind not in BUILT_IN:
            yield from _against(SCHEMA["resources"].get(kind), body, f"{kind}.{name}")
    for (kind, name), body in folder.data.items():
        yield from _against(SCHEMA["data"].get(kind), body, f"data.{kind}.{name}")
    for name, body in folder.modules.items():
        yield from _calls(name, body, folder, others)
    yield from _names(folder, others)
    yield from _credentials(folder)


def _settings(folder: Folder) -> Iterator[str]:
    if not any("required_version" in block for block in folder.settings):
        yield "does not say which Terraform it needs"
    providers: dict[str, Any] = {}
    for block in folder.settings:
        for listed in block.get("required_providers", []):
            providers |= {name: one for name, one in listed.items() if name != BLOCK}
    for name, one in providers.items():
        if not re.fullmatch(r"\d+\.\d+\.\d+", one.get("version", "")):
            yield f"provider {name} is not pinned"
        elif one["version"] != SCHEMA["version"]:
            yield f"provider {name} is {one['version']}, the schema is {SCHEMA['version']}'s"
    used = {kind.partition("_")[0] for kind, _ in {**folder.resources, **folder.data}}
    for name in sorted(used - {*providers, "terraform"}):
        yield f"provider {name} is not required"


def _against(schema: dict[str, Any] | None, body: dict[str, Any], where: str) -> Iterator[str]:
    if schema is None:
        yield f"{where}: nobody knows this kind"
    else:
        yield from _block(schema["arguments"], body, where, META)


def _block(
    known: dict[str, Any], body: dict[str, Any], where: str, meta: frozenset[str] = frozenset()
) -> Iterator[str]:
    written = {name: value for name, value in body.items() if name not in {BLOCK, *meta}}
    for block in written.pop("dynamic", []):
        for name, inner in block.items():
            written[name] = inner["content"]
    for name, value in written.items():
        if name not in known:
            yield f"{where}: has no {name}"
            continue
        inner = known[name].get("block")
        blocks = [one for one in value if BLOCK in one] if isinstance(value, list) and inner else []
        if inner is not None and not blocks:
            yield f"{where}: {name} is a block"
        for one in blocks:
            yield from _block(inner, one, f"{where}.{name}")
    for name, argument in known.items():
        if argument["required"] and name not in written:
            yield f"{where}: needs {name}"


def _calls(
    name: str, body: dict[str, Any], folder: Folder, others: dict[Path, Folder]
) -> Iterator[str]:
    called = others.get((folder.path / body["source"]).resolve())
    if called is None:
        yield f"module {name}: there is none at {body['source']}"
        return
    given = {one for one in body if one not in {BLOCK, *META}}
    for one in sorted(given - {*called.variables}):
        yield f"module {name}: has no {one}"
    for one, variable in called.variables.items():
        if "default" not in variable and one not in given:
            yield f"module {name}: needs {one}"


def _names(folder: Folder, others: dict[Path, Folder]) -> Iterator[str]:
    """Follow all names that stand in expressions; what nobody names is unused."""
    used: set[str] = set()
    bodies = [folder.outputs, folder.locals, folder.modules]
    every = [*bodies, *folder.resources.values(), *folder.data.values()]
    for text in _expressions(every):
        for kind, rest in NAME.findall(text):
            first, *more = rest.split(".")
            if kind in ("var", "local"):
                known = folder.variables if kind == "var" else folder.locals
                used.add(f"{kind}.{first}")
                if first not in known:
                    yield f"{kind}.{first} is nowhere"
            elif kind == "module":
                yield from _output(first, more, folder, others)
            else:
                yield from _read(kind, [first, *more], folder)
    for text in _expressions([folder.variables]):  # a check of another variable uses neither
        for kind, rest in NAME.findall(text):
            if kind == "var" and rest.split(".")[0] not in folder.variables:
                yield f"var.{rest} is nowhere"
    declared = [f"var.{name}" for name in folder.variables]
    declared += [f"local.{name}" for name in folder.locals]
    for name in declared:
        if name not in used and not _checked(name, folder):
            yield f"{name} is used nowhere"


def _checked(name: str, folder: Folder) -> bool:
    """Return whether a variable is there to be checked, as in a module that only decides."""
    return not folder.resources and name in " ".join(_expressions([folder.variables]))


def _output(
    name: str, more: list[str], folder: Folder, others: dict[Path, Folder]
) -> Iterator[str]:
    if name not in folder.modules:
        yield f"module.{name} is nowhere"
        return
    called = others.get((folder.path / folder.modules[name]["source"]).resolve())
    if called is not None and more and more[0] not in called.outputs:
        yield f"module.{name}.{more[0]} is no output"


def _read(kind: str, parts: list[str], folder: Folder) -> Iterator[str]:
    within, schema = folder.resources, SCHEMA["resources"]
    if kind == "data":
        within, schema = folder.data, SCHEMA["data"]
        kind, *parts = parts
    if kind not in schema and kind not in BUILT_IN:
        return  # a variable of a loop, such as traffic_weight.value
    name, *more = parts
    if (kind, name) not in within:
        yield f"{kind}.{name} is nowhere"
    elif more and more[0] not in BUILT_IN.get(kind, schema.get(kind, {}).get("read", ())):
        yield f"{kind}.{name} has nothing called {more[0]}"


def _credentials(folder: Folder) -> Iterator[str]:
    """Find what is a secret, or would lead one into the state."""
    for where, value in _leaves([*folder.resources.values(), folder.modules, folder.locals]):
        name = where[-1] if where else ""
        literal = isinstance(value, str) and "${" not in value
        if literal and CREDENTIAL.search(name) and name not in NO_SECRETS:
            yield f"{'.'.join(where)} is written out"
    for name, body in folder.variables.items():
        if CREDENTIAL.search(name) and body.get("default"):
            yield f"variable {name} has a default"
    for text in _expressions([folder.outputs, folder.modules, *folder.resources.values()]):
        if found := re.search(r"\.(admin_password|\w+_shared_key|instrumentation_key)\b", text):
            yield f"{found[1]} is read, and would stand in the state of others"


def _leaves(value: Any, where: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*where, name))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, where)
    else:
        yield where, value


def _expressions(value: Any) -> Iterator[str]:
    for _, leaf in _leaves(value):
        if isinstance(leaf, str) and "${" in leaf:
            yield leaf
