"""Make tests/data/azurerm.json: what the Azure provider of Terraform takes, for a few resources.

    pip download --no-deps cdktf-cdktf-provider-azurerm==14.23.1
    python tests/azurerm_schema.py cdktf_cdktf_provider_azurerm-14.23.1-py3-none-any.whl

The provider itself comes from a registry that a test should not need. HashiCorp's bindings for it,
made from its schema, are on PyPI: they name each argument, its type, whether it is required,
whether it is a block, and what can be read of a resource once it is there.
"""

import io
import json
import re
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data/azurerm.json"
RESOURCES = (
    "application_insights",
    "container_app",
    "container_app_environment",
    "container_registry",
    "federated_identity_credential",
    "key_vault",
    "log_analytics_workspace",
    "resource_group",
    "role_assignment",
    "user_assigned_identity",
)
SOURCES = ("client_config",)
LINK = re.compile(r"azurerm/([\d.]+)/docs/[\w-]+/\w+#(\w+) ")


def main() -> None:
    """Write the file from the bindings' wheel on the command line."""
    with zipfile.ZipFile(sys.argv[1]) as wheel:
        (packed,) = (name for name in wheel.namelist() if name.endswith(".jsii.tgz"))
        with tarfile.open(fileobj=io.BytesIO(wheel.read(packed))) as inner:
            found = inner.extractfile("package/.jsii")
            assert found is not None
            types = json.load(found)["types"]
    resources = {f"azurerm_{name}": _resource(types, name) for name in RESOURCES}
    sources = {f"azurerm_{name}": _resource(types, f"data_azurerm_{name}") for name in SOURCES}
    versions = {found for one in types.values() for found in _versions(one)}
    (version,) = versions
    schema = {"version": version, "resources": resources, "data": sources}
    DATA.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n", "utf-8")


def _resource(types: dict[str, Any], name: str) -> dict[str, Any]:
    words = name.split("_")
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    pascal = "".join(word.capitalize() for word in words)
    prefix = f"@cdktf/provider-azurerm.{camel}."
    read = {
        re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", one["name"]).lower()
        for one in types[prefix + pascal]["properties"]
        if not one.get("static") and not one["name"].endswith("Input")
    }
    return {"arguments": _arguments(types, prefix + pascal + "Config"), "read": sorted(read)}


def _arguments(types: dict[str, Any], interface: str) -> dict[str, Any]:
    """Return what may be written in a block, by name."""
    found: dict[str, Any] = {}
    for one in types[interface].get("properties", []):
        link = LINK.search(json.dumps(one["docs"]))
        if link is None:
            raise ValueError(f"{interface}: {one['name']} names no argument")
        kind = re.findall(r'"(@cdktf/provider-azurerm[\w.]+)"', json.dumps(one["type"]))
        found[link[2]] = {
            "required": not one.get("optional", False),
            **({"block": _arguments(types, kind[0])} if kind else {"type": _type(one["type"])}),
        }
    return found


def _type(type_: dict[str, Any]) -> str:
    """Return string, number, boolean, array or map."""
    if "collection" in type_:
        return str(type_["collection"]["kind"])
    if "union" in type_:  # with what stands for a value that is known later
        return next(_type(one) for one in type_["union"]["types"] if "fqn" not in one)
    return str(type_["primitive"])


def _versions(one: dict[str, Any]) -> set[str]:
    return {found[0] for found in LINK.findall(json.dumps(one))}


if __name__ == "__main__":
    main()
