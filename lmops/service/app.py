"""The service as an ASGI app."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from lmops.service.completions import add_completions
from lmops.service.errors import answer_errors, documented
from lmops.service.feedback import add_feedback
from lmops.service.front import Front
from lmops.service.pages import KEY, document_key
from lmops.service.schemas import NAME, Model, Models
from lmops.service.service import Service


class Health(BaseModel):
    """Whether the server may be asked, and if not, why."""

    status: str
    reasons: list[str]


def create_app(service: Service) -> FastAPI:
    """Return the app. Its engine and its log run while the app's lifespan lasts."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with service.log:
            async with service.engine:
                yield

    app = FastAPI(
        title="A language model of your own",
        version=service.engine.version,
        description="OpenAI's completions API, as far as a small model has it.",
        lifespan=lifespan,
        responses=documented(431, 500),
    )
    answer_errors(app)
    document_key(app)
    add_completions(app, service)
    add_feedback(app, service)

    @app.get(
        "/v1/models",
        response_model=Models,
        responses=documented(401, 403, 429, 503),
        openapi_extra=KEY,
    )
    async def models(request: Request) -> Models:
        """List the model's names: its version, and one that stays."""
        service.admit(request, "complete")
        names = service.engine.version, NAME
        return Models(
            object="list",
            data=[Model(id=name, object="model", created=0, owned_by="you") for name in names],
        )

    @app.get("/healthz", response_model=Health)
    async def healthz() -> Health:
        """Is the process alive? If not, restart it."""
        return Health(status="ok", reasons=[])

    @app.get("/readyz", response_model=Health, responses={503: {"model": Health}})
    async def readyz() -> Response:
        """May requests be sent here? If not, send them elsewhere."""
        reasons = service.unready()
        health = Health(status="unready" if reasons else "ok", reasons=reasons)
        return JSONResponse(health.model_dump(), 503 if reasons else 200)

    @app.get(
        "/metrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        """Return the counts, for Prometheus. They name no key and no text."""
        return Response(service.metrics.page(), media_type=CONTENT_TYPE_LATEST)

    app.add_middleware(
        Front,
        engine=service.engine,
        log=service.log,
        metrics=service.metrics,
        limits=service.limits,
        clock=service.clock,
    )
    return app
