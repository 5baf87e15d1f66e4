"""What is asked and answered: OpenAI's fields, as far as this model has them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

NAME = "lm"
"""The model's name that stays, whatever version is loaded."""

Stop = Annotated[str, StringConstraints(min_length=1, max_length=64)]


class StreamOptions(BaseModel):
    """What a stream tells beside the text."""

    model_config = ConfigDict(extra="forbid", strict=True)

    include_usage: bool = False


class CompletionRequest(BaseModel):
    """A prompt, and how to go on from it. `top_k` is known here alone; OpenAI has none."""

    model_config = ConfigDict(extra="forbid", strict=True)

    model: Annotated[str, Field(description="a version, or 'lm' for whichever is loaded")]
    prompt: Annotated[str, StringConstraints(min_length=1)]
    max_tokens: Annotated[int, Field(ge=1)] = 16
    temperature: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = 1.0
    top_k: Annotated[int | None, Field(ge=1)] = None
    seed: Annotated[int | None, Field(ge=0, lt=2**63)] = None
    stop: Stop | Annotated[list[Stop], Field(max_length=4)] | None = None
    stream: bool = False
    stream_options: StreamOptions | None = None
    echo: bool = False
    user: Annotated[str | None, Field(description="taken, and not kept")] = None
    # OpenAI's fields that this model has not: taken where they ask for nothing.
    n: int | None = 1
    best_of: int | None = 1
    logprobs: int | None = None
    frequency_penalty: float | None = 0
    presence_penalty: float | None = 0
    logit_bias: dict[str, float] | None = None
    suffix: str | None = None

    def unsupported(self) -> str | None:
        """Return the first field that asks for what this model has not, if there is one."""
        neutral: dict[str, tuple[Any, ...]] = {
            "n": (None, 1),
            "best_of": (None, 1),
            "logprobs": (None,),
            "frequency_penalty": (None, 0),
            "presence_penalty": (None, 0),
            "logit_bias": (None, {}),
            "suffix": (None, ""),
        }
        return next((name for name in neutral if getattr(self, name) not in neutral[name]), None)

    def stops(self) -> list[str]:
        """Return the stop sequences."""
        return [self.stop] if isinstance(self.stop, str) else self.stop or []


class Choice(BaseModel):
    """The text, and why it ended."""

    text: str
    index: int
    logprobs: None
    finish_reason: Literal["stop", "length"] | None


class Usage(BaseModel):
    """Tokens, which are characters here."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class Completion(BaseModel):
    """An answer; `model` is the version that wrote it."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage


class Model(BaseModel):
    """A name under which a model can be asked for."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(BaseModel):
    """All names of the model that is loaded."""

    object: Literal["list"]
    data: list[Model]


class FeedbackRequest(BaseModel):
    """What somebody thinks of an answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    request_id: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9._-]{8,64}$"),
        Field(description="the answer's header x-request-id"),
    ]
    rating: Literal["up", "down"]
    text: Annotated[str, StringConstraints(max_length=2000)] = ""


class Kept(BaseModel):
    """Feedback that is on the disk."""

    object: Literal["feedback"]
    request_id: str


class LoadRequest(BaseModel):
    """Which version is to answer from now on."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{16}$")]


class Loaded(BaseModel):
    """The version that answers now, the one before, and those that end what they have begun."""

    object: Literal["model"]
    id: str
    before: str
    ending: list[str]
