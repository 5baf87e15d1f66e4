"""People who keep asking, like what they get or not, and what they got."""

import contextlib
import http.client
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any, Self

from lmops.service.keys import Keys

PEOPLE = ("anna", "ben", "cleo")
"""Each has a key. Behind it are many users of an application, told apart by x-user."""
CLIENTS = 6
USERS = 120
PAUSE = 0.02
"""Seconds between an answer and the next question."""
MOST_TOKENS = 8
FAILED = "failed"
REFUSED = {401: "refused"}
"""What an answer is called that came from no version: a key that opens nothing is no fault."""


@dataclass(frozen=True)
class Got:
    """An answer: when (seconds of the day), from which version, with which code (0: none came)."""

    second: float
    version: str
    code: int
    milliseconds: float


class Users:
    """Asks at `port` from several clients while the `with` lasts.

    `prompts` are asked in turn; assign others to have what is asked change.
    """

    def __init__(self, home: Any, prompts: list[str]) -> None:
        with contextlib.closing(Keys(home.keys)) as keys:
            made = {name: keys.add(name, ("complete", "feedback"), 1) for name in PEOPLE}
        self.keys = {name: token for name, (_, token) in made.items()}
        self.prompts = prompts
        self.port = 0
        self.got: list[Got] = []
        self._begun = time.monotonic()
        self._enough = threading.Event()
        self._asked = 0
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    @property
    def second(self) -> float:
        """Seconds since the first of them could ask."""
        return time.monotonic() - self._begun

    def __enter__(self) -> Self:
        """Begin to ask, once `port` is set."""
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        """Ask no more."""
        self._enough.set()
        for thread in self._threads:
            thread.join()

    def answered(self, version: str, since: float = 0) -> int:
        """Return how many answers came from a version."""
        return sum(g.version == version and g.code == 200 and g.second >= since for g in self.got)

    def wait_for(self, version: str, answers: int, seconds: float = 120) -> None:
        """Wait until a version has answered so often from now on."""
        since, end = self.second, time.monotonic() + seconds
        while self.answered(version, since) < answers and time.monotonic() < end:
            time.sleep(0.05)

    def rate(self, person: str, rating: str, number: int) -> int:
        """Have a person ask and rate as often as told; return how many ratings were taken."""
        taken = 0
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = self._headers(person, 0)
        for place in range(number):
            asked = {**headers, "x-request-id": f"{person}-{rating}-{place}-{int(self.second)}"}
            prompt = self.prompts[place % len(self.prompts)]
            line.request("POST", "/v1/completions", _body(prompt), asked)
            line.getresponse().read()
            told = json.dumps({"request_id": asked["x-request-id"], "rating": rating})
            line.request("POST", "/v1/feedback", told, headers)
            answer = line.getresponse()
            answer.read()
            taken += answer.status == 201
        line.close()
        return taken

    def status(self, person: str, version: str) -> tuple[int, dict[str, Any]]:
        """Have a person ask for one version by its name; return the code and what was said."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        line.request("POST", "/v1/completions", _body("One", version), self._headers(person, 0))
        answer = line.getresponse()
        said: dict[str, Any] = json.loads(answer.read())
        line.close()
        return answer.status, said

    def since(self, second: float) -> dict[str, Any]:
        """Return what came from then on, as a picture: answers in each second, by version."""
        counted: dict[str, Counter[int]] = {}
        for each in list(self.got):
            if each.second >= second:
                name = each.version if each.code == 200 else REFUSED.get(each.code, FAILED)
                counted.setdefault(name, Counter())[int(each.second - second)] += 1
        length = 1 + max((max(each) for each in counted.values()), default=0)
        rows = {name: [each[place] for place in range(length)] for name, each in counted.items()}
        return {"kind": "traffic", "rows": rows}

    def _headers(self, person: str, user: int) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.keys[person]}",
            "content-type": "application/json",
            "x-user": f"{person}-{user}",
        }

    def _ask(self) -> None:
        line: http.client.HTTPConnection | None = None
        while not self._enough.is_set():
            if not self.port:
                time.sleep(PAUSE)
                continue
            with self._lock:
                number = self._asked = self._asked + 1
            prompt = self.prompts[number % len(self.prompts)]
            headers = self._headers(PEOPLE[number % len(PEOPLE)], number % USERS)
            begun = time.monotonic()
            version, code = "", 0
            try:
                line = line or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
                line.request("POST", "/v1/completions", _body(prompt), headers)
                answer = line.getresponse()
                answer.read()
                version, code = answer.headers.get("x-model-version", ""), answer.status
            except (OSError, http.client.HTTPException):
                line = None  # a new connection next time
            took = 1000 * (time.monotonic() - begun)
            with self._lock:
                self.got.append(Got(self.second, version, code, took))
            time.sleep(PAUSE if code == 200 else 5 * PAUSE)
        if line:
            line.close()


def _body(prompt: str, model: str = "lm") -> str:
    return json.dumps({"model": model, "prompt": prompt, "max_tokens": MOST_TOKENS})
