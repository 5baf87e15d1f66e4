"""`POST /v1/feedback`: what somebody thinks of an answer."""

from fastapi import FastAPI, Request

from lmops.service.errors import ApiError, documented
from lmops.service.front import is_plain
from lmops.service.log import NotKept
from lmops.service.pages import body_of, parse
from lmops.service.schemas import FeedbackRequest, Kept
from lmops.service.service import Service


def add_feedback(app: FastAPI, service: Service) -> None:
    """Add the page to `app`."""

    @app.post(
        "/v1/feedback",
        status_code=201,
        response_model=Kept,
        responses=documented(400, 401, 403, 408, 413, 422, 429, 431, 500, 503),
        openapi_extra=body_of(FeedbackRequest),
    )
    async def keep(request: Request) -> Kept:
        """Keep what somebody thinks of an answer. Once this answers, it is on the disk."""
        key = service.admit(request, "feedback")
        told = await parse(request, service.limits, FeedbackRequest)
        if not is_plain(told.request_id):
            raise ApiError(
                422,
                "request_id: send the x-request-id of the answer that is meant",
                code="invalid_request_id",
                param="request_id",
            )
        try:
            await service.log.keep(
                "feedback", told.request_id, rating=told.rating, text=told.text, key=key.id
            )
        except NotKept as error:
            request.state.record["error"] = str(error)
            raise ApiError(
                503, "feedback cannot be kept just now", code="not_kept", retry_after=5
            ) from None
        return Kept(object="feedback", request_id=told.request_id)
