"""What of a request is taken in: headers and a body within the limits."""

import asyncio

from fastapi import Request

from lmops.service.errors import ApiError
from lmops.service.limits import Limits


def refuse_headers(headers: list[tuple[bytes, bytes]], limits: Limits) -> None:
    """Raise 431 if `headers` are larger than `limits` allow."""
    if sum(len(name) + len(value) for name, value in headers) > limits.header_bytes:
        raise ApiError(
            431, f"send at most {limits.header_bytes} bytes of headers", code="headers_too_large"
        )


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body. Raise 413 as soon as it is too large, 408 if it takes too long.

    What Content-Length says is believed only where it says too much: a body may come in chunks,
    without any length.
    """
    too_large = ApiError(
        413, f"send a body of at most {limits.body_bytes} bytes", code="body_too_large"
    )
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > limits.body_bytes:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body_bytes:
                    raise too_large
    except TimeoutError:
        seconds = f"{limits.body_seconds:g}"
        raise ApiError(
            408, f"the body did not come within {seconds} seconds", code="body_timeout"
        ) from None
    return bytes(body)
