"""Bodies: read within the limits, checked against a schema, and documented by it."""

from typing import Any, TypeVar

from fastapi import FastAPI, Request
from pydantic import BaseModel, ValidationError

from lmops.service.errors import invalid
from lmops.service.intake import read_body
from lmops.service.limits import Limits

Schema = TypeVar("Schema", bound=BaseModel)


async def parse(request: Request, limits: Limits, schema: type[Schema]) -> Schema:
    """Return the body. Raises 400, 408, 413 or 422.

    FastAPI would read a body before it asks for a key. Here an endpoint does it, when it knows
    who is there.
    """
    try:
        return schema.model_validate_json(await read_body(request, limits))
    except ValidationError as error:
        raise invalid(error) from None


KEY: dict[str, Any] = {"security": [{"key": []}]}
"""What the OpenAPI page says of a page that asks for a key."""


def document_key(app: FastAPI) -> None:
    """Have the OpenAPI page of `app` say what a key is."""
    build = app.openapi

    def openapi() -> dict[str, Any]:
        page = build()
        schemes = page.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "http", "scheme": "bearer", "description": "lm_..."}
        return page

    app.openapi = openapi  # type: ignore[method-assign]


def body_of(schema: type[BaseModel]) -> dict[str, Any]:
    """Return what the OpenAPI page says of a page that asks for a key and reads a `schema`."""
    content = {"application/json": {"schema": _whole(schema.model_json_schema())}}
    return {**KEY, "requestBody": {"required": True, "content": content}}


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema with its definitions in the places that name them."""
    definitions = schema.pop("$defs", {})

    def put_in(part: Any) -> Any:
        if isinstance(part, dict):
            if "$ref" in part:
                return put_in(definitions[part["$ref"].rpartition("/")[2]])
            return {name: put_in(value) for name, value in part.items()}
        return [put_in(each) for each in part] if isinstance(part, list) else part

    whole: dict[str, Any] = put_in(schema)
    return whole
