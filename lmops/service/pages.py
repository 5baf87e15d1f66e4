"""Bodies: read within the limits, checked against a schema, and documented by it."""

from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from lmops.service.errors import invalid
from lmops.service.limits import Limits, read_body

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


def body_of(schema: type[BaseModel]) -> dict[str, Any]:
    """Return what the OpenAPI page says of a body that `parse` reads, and of the key."""
    described = schema.model_json_schema(ref_template="#/components/schemas/{model}")
    ...
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": described}}},
    }
