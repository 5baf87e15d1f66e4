"""Make of Terraform files for Azure ones that run here: every resource stands as `terraform_data`.

All else stays: modules, variables and their checks, expressions, loops, outputs. What would come
from Azure, as an id, is a text that is known only after the apply, as there.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hcl2
from terraform import BLOCK, PLAIN, SCHEMA

RESOURCE = re.compile(r"(?<![\w.\"])(data\.)?(azurerm_\w+)\.(\w+)")
META = ("for_each", "depends_on")


def rewrite(root: Path) -> None:
    """Rewrite all configurations below `root`, from HCL into Terraform's JSON."""
    for folder in {path.parent for path in root.rglob("*.tf")}:
        whole: dict[str, Any] = {}
        for path in sorted(folder.glob("*.tf")):
            content = hcl2.loads(path.read_text("utf-8"), serialization_options=PLAIN)
            for kind, blocks in content.items():
                for block in blocks:
                    _add(whole, kind, block)
            path.unlink()
        (folder / "main.tf.json").write_text(json.dumps(whole, indent=1), "utf-8")


def _add(whole: dict[str, Any], kind: str, block: dict[str, Any]) -> None:
    """Add what a block at the top of a file becomes."""
    if kind == "terraform":
        whole["terraform"] = {"required_version": block["required_version"]}
    elif kind in ("resource", "data"):
        for type_, named in block.items():
            for name, body in named.items():
                stands = whole.setdefault("resource", {}).setdefault("terraform_data", {})
                if type_ == "terraform_data":
                    stands[name] = _value(body)
                else:
                    stands[_name(kind == "data", type_, name)] = _stand_in(kind, type_, name, body)
    elif kind == "locals":
        whole.setdefault("locals", {}).update(_value(block))
    elif kind != "provider":
        ((name, body),) = block.items()
        made = _value(body)
        if "type" in made:
            made["type"] = _bare(made["type"])
        if "depends_on" in made:
            made["depends_on"] = [_bare(one).removesuffix(".output") for one in made["depends_on"]]
        whole.setdefault(kind, {})[name] = made


def _stand_in(kind: str, type_: str, name: str, body: dict[str, Any]) -> dict[str, Any]:
    schema = SCHEMA["resources" if kind == "resource" else "data"][type_]
    written = _value({key: value for key, value in body.items() if key not in META})
    told = {
        key: f"{type_}.{name}.{key}" for key in schema["read"] if key not in schema["arguments"]
    }
    told["id"] = f"{type_}.{name}.id"
    return {**{key: _value(body[key]) for key in META if key in body}, "input": told | written}


def _value(value: Any) -> Any:
    """Return a value with its references led to the stand-ins, and blocks that repeat as loops."""
    if isinstance(value, str):
        return RESOURCE.sub(_reference, value) if "${" in value else value
    if isinstance(value, list):
        return [_value(one) for one in value]
    if not isinstance(value, dict):
        return value
    made = {key: _value(one) for key, one in value.items() if key not in (BLOCK, "dynamic")}
    for block in value.get("dynamic", []):
        for name, repeated in block.items():
            (content,) = repeated["content"]
            inner = ", ".join(
                f"{key} = {_expression(one)}" for key, one in content.items() if key != BLOCK
            )
            each = f"[for one in {_expression(repeated['for_each'])} : {{value = one}}]"
            made[name] = f"${{[for {name} in {each} : {{{inner}}}]}}"
    return made


def _reference(found: re.Match[str]) -> str:
    return f"terraform_data.{_name(bool(found[1]), found[2], found[3])}.output"


def _name(data: bool, type_: str, name: str) -> str:
    return f"{'data__' * data}{type_}__{name}"


def _expression(value: Any) -> str:
    """Return a value as it stands in HCL."""
    made = _value(value)
    whole = isinstance(made, str) and made.startswith("${") and made.count("${") == 1
    return _bare(made) if whole else json.dumps(made)


def _bare(expression: str) -> str:
    """Return an expression without the brackets of a template."""
    found = re.fullmatch(r"\$\{(.*)\}", expression, re.DOTALL)
    return found[1] if found else expression


FITS: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, (str, int, float)),
    "number": lambda value: re.fullmatch(r"-?\d+(\.\d+)?", str(value)) is not None,
    "boolean": lambda value: isinstance(value, bool),
    "array": lambda value: isinstance(value, list),
    "map": lambda value: isinstance(value, dict),
}
"""Which values Terraform takes for a type, as it turns 1 into "1"."""


def misfits(arguments: dict[str, Any], values: dict[str, Any], where: str) -> Iterator[str]:
    """Say which of the values that were applied the provider would not take."""
    for name, value in values.items():
        if name not in arguments:
            continue  # what can only be read
        known = arguments[name]
        if value is None:
            if known["required"]:
                yield f"{where}.{name} has no value"
        elif "block" in known:
            for number, one in enumerate(value):
                yield from misfits(known["block"], one, f"{where}.{name}[{number}]")
        elif not FITS[known["type"]](value):
            yield f"{where}.{name} is {value!r}, which is no {known['type']}"
