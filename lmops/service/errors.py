"""What the service answers when it does not do what was asked: errors in OpenAI's shape."""

import json
import math
from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.responses import Response
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException


class Problem(BaseModel):
    """What happened, and to which field."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(BaseModel):
    """The body of every answer that is an error."""

    error: Problem


class ApiError(Exception):
    """A request that is answered with an error.

    Its message is shown to the caller, so it says what to do, and nothing of what was sent.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str,
        param: str | None = None,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.param = param
        self.headers = dict(headers or {})
        if retry_after is not None:  # whole seconds (RFC 9110, section 10.2.3)
            self.headers["retry-after"] = str(max(1, math.ceil(retry_after)))

    def body(self) -> str:
        """Return the error object as JSON."""
        problem = Problem(
            message=self.message, type=_type(self.status), param=self.param, code=self.code
        )
        # Escaped, so that half a surrogate pair in what was sent can be answered, too.
        return json.dumps({"error": problem.model_dump()})

    def response(self) -> Response:
        """Return the answer."""
        return Response(self.body(), self.status, self.headers, "application/json")


def _type(status: int) -> str:
    """Return OpenAI's `type` of an error with `status`."""
    if status >= 500:
        return "server_error"
    named = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    return named.get(status, "invalid_request_error")


def invalid(error: ValidationError) -> ApiError:
    """Return what to answer to a body that is no JSON (400), or does not fit the page (422)."""
    found = error.errors(include_url=False, include_context=False, include_input=False)
    # Of a field that may be of two kinds, what is wrong within one kind says more.
    first = min(found, key=lambda each: each["type"].endswith("_type"))
    if first["type"] == "json_invalid":
        return ApiError(400, f"the body is not JSON: {first['msg']}", code="invalid_json")
    field = ".".join(str(part) for part in first["loc"]) or None
    message = f"{field}: {first['msg']}" if field else first["msg"]
    return ApiError(422, message, code=first["type"], param=field)


def answer_errors(app: FastAPI) -> None:
    """Have `app` answer each `ApiError`, and an unknown path or method, with an error object."""

    async def own(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiError)
        return error.response()

    async def routing(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        known = {
            404: ("there is no such page; /openapi.json lists those there are", "not_found"),
            405: ("this page does not know this method", "method_not_allowed"),
        }
        message, code = known.get(error.status_code, (str(error.detail), "error"))
        found = ApiError(error.status_code, message, code=code, headers=error.headers)
        return found.response()

    app.add_exception_handler(ApiError, own)
    app.add_exception_handler(HTTPException, routing)


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """Return what the OpenAPI page says of the errors with `statuses`."""
    said = {
        400: "what is asked cannot be done",
        401: "no key, or not a valid one",
        403: "the key may not do this",
        404: "there is no such model",
        408: "the body came too slowly",
        410: "the version was retired; see X-Model-Successor",
        413: "the body is too large",
        422: "a field is missing, unknown or out of range",
        429: "the key asks too often; see Retry-After",
        431: "the headers are too large",
        500: "an error of the service, which has logged it",
        503: "the service is full, stopping, or cannot reach its files; see Retry-After",
        504: "the answer took too long",
    }
    return {status: {"model": ErrorBody, "description": said[status]} for status in statuses}
