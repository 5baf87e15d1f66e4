"""The checks of the endpoint, asked through ASGI as a server would ask."""

import json
import math
from collections.abc import Callable, Iterator
from typing import Any

from grader.checks.case import Case, Rng, case
from grader.checks.registry import exercise, probe
from grader.checks.student import Student
from grader.checks.vocabulary import holds, public_and_hidden
from lmcourse.checks.serve.asgi import Teller, apart, exchange, told
from lmcourse.checks.serve.keys import LETTERS, NAMES, word
from lmcourse.checks.serve.streaming import chunk, data_of

PATH = "/v1/completions"
MAX_BODY = 10_000
"""As the lesson says."""

Setup = dict[str, Any]


@probe
def served(
    _: dict[str, Any], create_app: Callable[..., Any], setup: Setup, requests: list[dict[str, Any]]
) -> Any:
    """Make an app and return its answers to `requests`, one after the other.

    `setup` has the model's name and secret, by header who may ask, and by name how long each must
    wait; perhaps also what the model is called from the middle of its first text on. Each answer
    tells as well how often the model was asked for a character, how many of its texts were left
    open, and what `allow` was asked.
    """

    async def main() -> Any:
        model = Teller(setup["name"], setup["secret"], setup.get("renamed"))
        bought: list[list[Any]] = []

        def who(header: str | None) -> tuple[int, str | None]:
            status, name = setup["who"].get(header or "", [401, None])
            return status, name

        def allow(name: str, cost: int) -> float:
            bought.append([name, cost])
            return float(setup["wait"].get(name, 0.0))

        app = create_app(model, who, allow)
        if app is None:
            return None
        answers = []
        for request in requests:
            bought.clear()
            model.steps = 0
            answer = await exchange(app, request)
            answer |= {"steps": model.steps, "open": model.running, "bought": list(bought)}
            answers.append(answer)
        return answers

    return apart(main)


def post(said: Any, header: str | None, **more: Any) -> dict[str, Any]:
    """Return a request for a completion; what is no text is sent as JSON."""
    text = said if isinstance(said, str) else json.dumps(said)
    headers = {"content-type": "application/json", "content-length": str(len(text))}
    if header is not None:
        headers["authorization"] = header
    return {"method": "POST", "path": PATH, "headers": headers, "body": [[text, 1]]} | more


def read(answer: dict[str, Any]) -> Any:
    """Return a JSON body."""
    try:
        return json.loads(answer["body"])
    except ValueError:
        return f"no JSON: {answer['body'][:60]!r}"


@exercise("12_serve", "create_app", points=4)
def create_app(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    def cases() -> Iterator[Case]:
        headers = [f"Bearer {word(rng, LETTERS, 20)}" for _ in range(6)]
        names = [str(name) for name in rng.choice(NAMES, 6, replace=False)]
        (good, poor, other, *more), (owner, spender, guest, *late) = headers, names
        wait = float(rng.integers(2, 90)) + 0.25
        waits = [float(rng.integers(1, 8)) / 10, float(rng.integers(3, 90)), math.inf]
        setup: Setup = {
            "name": f"gpt-{word(rng, '0123456789abcdef', 6)}",
            "secret": word(rng, LETTERS, 12),
            "who": {good: [200, owner], poor: [200, spender], other: [403, guest]}
            | {header: [200, name] for header, name in zip(more, late, strict=True)},
            "wait": {spender: wait} | dict(zip(late, waits, strict=True)),
        }
        prompt = word(rng, "abcdefgh ", int(rng.integers(3, 30))) + "."
        length = int(rng.integers(5, 60))
        temperature = float(rng.integers(1, 8)) / 4
        body = {"prompt": prompt, "max_tokens": length, "temperature": temperature}
        plain = post(body, good)
        text = told(setup["secret"], prompt, temperature, length)

        def asked(*requests: dict[str, Any]) -> Any:
            return student.probe(served, student.create_app, setup, list(requests))

        def statuses(*requests: dict[str, Any]) -> list[Any]:
            """Ask, and a right request in the end: it must still be answered."""
            *answers, last = asked(*requests, plain)
            written = read(last)["choices"][0]["text"] == text
            return [*(answer["status"] for answer in answers), last["status"], written]

        def refused(name: str, status: int, *requests: dict[str, Any], hint: str) -> Case:
            want = [*[status] * len(requests), 200, True]
            return case(
                f"{name}, and a right request", lambda: statuses(*requests), want, hint=hint
            )

        yield case(
            "a right request: its status",
            lambda: asked(plain)[0]["status"],
            200,
            form=True,
            hint="@app.post('/v1/completions') above the function, and return app at the end.",
        )
        yield case(
            "a right request: its text and the model's name",
            lambda: [(said := read(asked(plain)[0]))["choices"][0]["text"], said["model"]],
            [text, setup["name"]],
            hint="Go through model.stream(prompt, max_tokens, temperature) with `async for`, join "
            "the pieces, and give them to completion(model.name, prompt, text).",
        )
        yield case(
            "a right request: what it is counted as",
            lambda: read(asked(plain)[0])["usage"],
            {
                "prompt_tokens": len(prompt),
                "completion_tokens": length,
                "total_tokens": len(prompt) + length,
            },
            hint="completion(...) counts characters: give it the prompt and the text as they are.",
        )
        short = told(setup["secret"], prompt, 1.0, 16)
        yield case(
            "a prompt alone: 16 characters at temperature 1",
            lambda: read(asked(post({"prompt": prompt}, good))[0])["choices"][0]["text"],
            short,
            hint="`Completion` knows what holds if nothing is said: take asked.max_tokens and "
            "asked.temperature from it.",
        )
        spaced = f"  {prompt} \n"
        yield case(
            "a prompt with spaces around it",
            lambda: read(asked(post(body | {"prompt": spaced}, good))[0])["choices"][0]["text"],
            told(setup["secret"], spaced, temperature, length),
            hint="The prompt goes to the model as it came: no strip().",
        )
        renamed = setup | {"renamed": f"gpt-{word(rng, '0123456789abcdef', 6)}"}

        def names_told(said: dict[str, Any]) -> list[Any]:
            """Ask twice, the first time in `said`'s way; the name changes in the first answer."""
            first, last = student.probe(
                served, student.create_app, renamed, [post(body | said, good), plain]
            )
            parts = [data_of(part + "\n\n") for part in first["body"].split("\n\n") if part]
            told_in = [part["model"] for part in parts[:-1]] if said else [read(first)["model"]]
            return [*sorted(set(told_in)), read(last)["model"]]

        both_names = [setup["name"], renamed["renamed"]]
        yield case(
            "a model that is swapped while it answers: its name in this answer, and in the next",
            lambda: names_told({}),
            both_names,
            hint="model.name may change at any time. Read it once in each request, before the "
            "first piece: called = model.name, then model.stream(...). Not once for all requests, "
            "at the top of create_app, and not after the text.",
        )
        yield refused(
            "no key, and one that nobody knows",
            401,
            post(body, None),
            post(body, f"Bearer {word(rng, LETTERS, 20)}"),
            hint="who(request.headers.get('authorization')) gives (status, name). If the status is "
            "not 200, that is the answer's: refusal(status, '...').",
        )
        yield refused(
            "a key that may not",
            403,
            post(body, other),
            hint="`who` says 403: hand its status on, whatever it is.",
        )
        yield case(
            "a body in many pieces",
            lambda: read(asked(plain | {"body": [[char, 1] for char in json.dumps(body)]})[0])[
                "choices"
            ][0]["text"],
            text,
            hint="A body comes in pieces of any size: put them together before you read them.",
        )
        long_headers = {"authorization": good, "content-length": "41000"}
        pieces = [['{"prompt": "' + "x" * 988, 1], ["x" * 1000, 40]]
        huge = post(body, good, body=pieces, headers=long_headers)
        yield refused(
            "a body of 41,000 bytes",
            413,
            huge,
            hint="Count the bytes as they come, `async for piece in request.stream()`: beyond "
            "MAX_BODY it is refusal(413, '...').",
        )
        half = '{"prompt": "The '
        yield refused(
            "bodies that are no JSON, or not text",
            422,
            *(
                post(text, good)
                for text in ("", half, "hello", "[1, 2", "\xff\xfe{}", '{"prompt": "a\xff"}')
            ),
            hint="Completion.model_validate_json(body) raises a ValidationError, also where the "
            "body is no JSON at all: `except ValidationError: return refusal(422, '...')`. Hand it "
            "the bytes as they came.",
        )
        wrong: list[Any] = [
            *([], 7, None, {}, {"max_tokens": 5}, {"prompt": 7}, {"prompt": ""}, {"prompt": None}),
            *(body | {"max_tokens": n} for n in (0, -1, 257, 10**9, "many", 2.5, None)),
            *(body | {"temperature": t} for t in (-0.1, 2.5, "hot")),
            body | {"prompt": "x" * 3000},
        ]
        yield refused(
            "bodies whose values are of the wrong kind or size",
            422,
            *(post(each, good) for each in wrong),
            hint="`Completion` knows what is allowed: read the body with it, not with json.loads.",
        )
        yield refused(
            "a temperature that is no number, NaN",
            422,
            post('{"prompt": "a", "temperature": NaN}', good),
            hint="`Completion` refuses NaN: read the body with it.",
        )
        silent = huge | {"headers": {"authorization": good}}
        lying = huge | {"headers": {"authorization": good, "content-length": "30"}}
        yield refused(
            "such a body without its length, and with a false one",
            413,
            silent,
            lying,
            hint="The content-length is the client's word, and may be missing: count what comes.",
        )

        def pieces_read(most: int, request: dict[str, Any]) -> list[Any]:
            """Tell whether at most so many are read, as well as what `statuses` does."""
            count = asked(request)[0]["read"]
            words = "few" if count <= most else f"{count} pieces of 1,000 bytes"
            return [words, *statuses(request)]

        yield case(
            "such a body: how much of it is read, and a right request",
            lambda: pieces_read(12, huge),
            ["few", 413, 200, True],
            hint="Return as soon as there are more than MAX_BODY bytes: await request.body() reads "
            "all of them first.",
        )
        yield case(
            "such a body from a stranger: how much of it is read, and a right request",
            lambda: pieces_read(1, huge | {"headers": {}}),
            ["few", 401, 200, True],
            hint="Ask who it is before you read the body: nothing of it is read for a stranger.",
        )
        pad = " " * (MAX_BODY - len(json.dumps(body)))
        yield case(
            "a body of exactly MAX_BODY bytes, and one more",
            lambda: statuses(
                post(json.dumps(body) + pad, good), post(json.dumps(body) + pad + " ", good)
            ),
            [200, 413, 200, True],
            hint="MAX_BODY bytes are allowed: > and not >=.",
        )
        yield case(
            "what `allow` is asked",
            lambda: asked(plain)[0]["bought"],
            [[owner, length]],
            hint="Once for each request, allow(name, asked.max_tokens), with the name from `who`.",
        )
        slow = post(body, poor)
        yield case(
            "who has used up theirs: status, Retry-After, steps of the model",
            lambda: [
                (said := asked(slow)[0])["status"],
                said["headers"].get("retry-after"),
                said["steps"],
            ],
            [429, str(int(wait) + 1), 0],
            hint="If allow(...) gives more than 0: refusal(429, '...', retry_after=...) with whole "
            "seconds, rounded up by math.ceil, before the model is asked.",
        )
        yield case(
            "who must wait less than a second, whole seconds, for ever: status and Retry-After",
            lambda: [
                [said["status"], said["headers"].get("retry-after")]
                for said in asked(*(post(body, header) for header in more))
            ],
            [[429, "1"], [429, str(int(waits[1]))], [429, None]],
            hint="Any wait above 0 is 429, also 0.3; math.ceil rounds 0.3 up to 1 and leaves 9.0 "
            "at 9. Of math.inf it makes an OverflowError: there is no time to come back at, so "
            "leave Retry-After out, retry_after=None.",
        )
        yield case(
            "what is refused for another reason costs nothing",
            lambda: [
                answer["bought"]
                for answer in asked(
                    post(body, other), post({"prompt": 7}, good), huge, post(body, None), plain
                )
            ],
            [[], [], [], [], [[owner, length]]],
            hint="Ask `allow` last, when all else is right: a mistake in the body should not use "
            "up what somebody may ask.",
        )
        streaming = post(body | {"stream": True}, good)

        def events(request: dict[str, Any]) -> list[Any]:
            answer = asked(request)[0]
            parts = answer["body"].split("\n\n")
            return [answer["status"], *(data_of(part + "\n\n") for part in parts if part)]

        yield case(
            'with "stream": true, the events',
            lambda: events(streaming),
            [200, *(chunk(setup["name"], char) for char in text), "[DONE]"],
            hint="StreamingResponse(stream(pieces, name), media_type='text/event-stream'), "
            "with the pieces of model.stream(...). (Check stream first.)",
        )
        yield case(
            'with "stream": true, a model that is swapped: its name in this answer and the next',
            lambda: names_told({"stream": True}),
            both_names,
            hint="Read model.name once in each request, and hand that to stream(...).",
        )
        yield case(
            'with "stream": true, the kind of the answer, and what is refused',
            lambda: [
                asked(streaming)[0]["headers"].get("content-type", "").split(";")[0],
                *statuses(post(body | {"stream": True}, None), post(body | {"stream": True}, poor)),
            ],
            ["text/event-stream", 401, 429, 200, True],
            hint="The media type is text/event-stream. And a stream is refused as all else is: "
            "once it has begun, the status cannot be changed.",
        )
        long = body | {"stream": True, "max_tokens": 250}
        after = int(rng.integers(2, 20))

        def left() -> str:
            answer = asked(post(long, good, leave=after))[0]
            begin = told(setup["secret"], prompt, temperature, after)
            if [data_of(event) for event in answer["events"]] != [
                chunk(setup["name"], char) for char in begin
            ]:
                return f"other events: {answer['body'][:80]!r}"
            if answer["open"]:
                return "the model's text was left open"
            return "" if answer["steps"] <= after + 8 else f"{answer['steps']} characters written"

        yield holds(
            f"a client that leaves after {after} of 250 events",
            "the model stops within a few characters",
            left,
            hint="StreamingResponse closes your generator when the client leaves; `stream` must "
            "close the model's. Hand it the iterator itself, not a list of what it gave.",
        )
        health = {"method": "GET", "path": "/healthz"}
        yield case(
            "GET /healthz, without a key: status and body",
            lambda: [(said := asked(health)[0])["status"], read(said), *statuses()],
            [200, {"status": "ok"}, 200, True],
            hint="@app.get('/healthz') for a function that returns {'status': 'ok'}: whoever looks "
            "after the machine has no key.",
        )
        yield case(
            "other paths, and another method",
            lambda: statuses(
                plain | {"path": "/v1/completion"},
                {"method": "GET", "path": "/"},
                plain | {"method": "GET", "body": []},
            ),
            [404, 404, 405, 200, True],
            hint="FastAPI answers 404 and 405 by itself, if you add no route for them.",
        )

    yield from public_and_hidden(cases)
