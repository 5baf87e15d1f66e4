"""`POST /v1/model`: have another version answer, without a request that fails for it."""

import asyncio
from pathlib import Path

from fastapi import FastAPI, Request

from lmops.bundle import BrokenBundle, Bundle, load
from lmops.service.errors import ApiError, documented
from lmops.service.pages import body_of, parse
from lmops.service.schemas import Loaded, LoadRequest
from lmops.service.service import Service


def add_admin(app: FastAPI, service: Service, models: Path) -> None:
    """Add the page to `app`, for the versions in the folder `models`."""

    @app.post(
        "/v1/model",
        response_model=Loaded,
        responses=documented(400, 401, 403, 404, 408, 410, 413, 422, 429, 431, 500, 503),
        openapi_extra=body_of(LoadRequest),
    )
    async def swap(request: Request) -> Loaded:
        """Have a registered version answer from now on; the old one ends what it has begun."""
        service.admit(request, "admin")
        asked = await parse(request, service.limits, LoadRequest)
        service.ended.refuse(asked.version, "version")
        before = service.engine.version
        if asked.version != before:  # asked again, it only says how far the others are
            await service.engine.swap(await _load(models, asked.version))
        request.state.record["version"] = asked.version
        return Loaded(object="model", id=asked.version, before=before, ending=service.engine.ending)


async def _load(models: Path, version: str) -> Bundle:
    folder = models / version
    if not folder.is_dir():
        raise ApiError(
            404,
            "this version is not here; 'lmops models' lists those that are",
            code="model_not_found",
            param="version",
        )
    try:
        bundle = await asyncio.to_thread(load, folder)  # the streams go on meanwhile
    except BrokenBundle:
        raise _broken() from None
    if bundle.version != version:
        raise _broken()
    return bundle


def _broken() -> ApiError:
    return ApiError(
        400,
        "this version's files are not sound; 'lmops audit' says what is wrong",
        code="broken_bundle",
        param="version",
    )
