"""The checks of the Dockerfile: what is in the image that goes out, and how it behaves."""

import posixpath
import re
from collections.abc import Callable, Iterator
from fnmatch import fnmatch
from itertools import pairwise

from grader.checks.case import Case, Rng
from grader.checks.registry import exercise
from grader.checks.student import Student
from grader.checks.vocabulary import holds
from lmcourse.checks.pipelines.contents import contents, packages_seen
from lmcourse.checks.pipelines.dockerfile import (
    Instruction,
    Stage,
    Unreadable,
    commands,
    line_of,
    read,
    words_of,
)
from lmcourse.checks.pipelines.drawing import LESSON, once, word

COMPILERS = re.compile(
    r"^(?:gcc|g\+\+|clang|make|cmake|build-essential|build-base|rustc|cargo)\b|-dev$"
)
SMALL_BASE = re.compile(r"slim|alpine|distroless|scratch")
DIGEST = re.compile(r"@sha256:[0-9a-f]{64}$")
BY_DIGEST = re.compile(r"(?:[^:@/]+(?::\d+)?/)?[^:@]+@sha256:[0-9a-f]{64}")
"""A base without a tag, such as python@sha256:..., perhaps with a registry and its port."""
KNOWN_USERS = ("nobody", "www-data", "nonroot")
SECRET = re.compile(r"(?i)token|passw|secret|api_?key|credential")
WITH_VALUE = ("-t", "--target", "--prefix", "--root", "-c", "--constraint", "-i", "--index-url")
"""Options of pip and others that take the next word."""
SHELLS = ("sh", "bash", "/bin/sh", "/bin/bash")

IMPORTED = re.compile(r"import\s+(?:[\w.]+\s*,\s*)*urllib\.request|__import__|from\s+urllib")

Look = Callable[[list[Stage]], str]


def final(stages: list[Stage]) -> list[Instruction]:
    """Return the instructions of the image that goes out, those of the stages below it first."""
    return [each for stage in line_of(stages[-1]) for each in stage.instructions]


def last_of(instructions: list[Instruction], name: str) -> Instruction | None:
    return next((each for each in reversed(instructions) if each.name == name), None)


def installed(instructions: list[Instruction], *tools: str) -> Iterator[tuple[Instruction, str]]:
    """Yield what each RUN installs by one of `tools`: the instruction and the package."""
    for each in instructions:
        for words in commands(each) if each.name == "RUN" else ():
            tool = words[0].rpartition("/")[2]
            if tool.startswith("python") and words[1:3] == ["-m", "pip"]:
                tool = "pip"
            verb = next((word for word in words if word in ("install", "add")), None)
            if tool in tools and verb:
                start = words.index(verb) + 1
                pairs = pairwise(["", *words[start:]])
                yield from (
                    (each, now)
                    for before, now in pairs
                    if not now.startswith("-") and before not in WITH_VALUE
                )


def two_stages(stages: list[Stage]) -> str:
    if len(stages) < 2:
        return "there is one FROM: what builds goes out with what runs"
    names = {stage.name for stage in stages[:-1]} | {str(n) for n in range(len(stages) - 1)}
    copies = [each for each in final(stages) if each.name == "COPY" and each.flags().get("from")]
    if not any(each.flags()["from"].lower() in names for each in copies):
        return "the last stage takes nothing from the first: COPY --from=... is missing"
    return ""


def no_compiler(stages: list[Stage]) -> str:
    bottom = line_of(stages[-1])[0]
    # What is behind a digest alone cannot be read here, and is believed.
    if not BY_DIGEST.fullmatch(bottom.base) and not SMALL_BASE.search(bottom.base):
        return f"line {bottom.line}: {bottom.base} comes with a compiler in it; -slim has none"
    for each, package in installed(final(stages), "apt-get", "apt", "apk"):
        if COMPILERS.search(package):
            return f"line {each.line}: {package} is in the image that goes out"
    return ""


def pinned_bases(stages: list[Stage]) -> str:
    for stage in stages:
        if stage.below is not None or stage.base == "scratch" or DIGEST.search(stage.base):
            continue
        tag = stage.base.rpartition("/")[2].partition(":")[2]
        if not re.search(r"\d+\.\d+", tag):
            return f"line {stage.line}: {stage.base} is another image next month"
    return ""


def pinned_packages(stages: list[Stage]) -> str:
    for stage in stages:
        for each, package in installed(stage.instructions, "pip", "pip3"):
            listed = "requirements" in each.text
            if package.endswith(".txt") or (listed and "==" not in package):
                continue
            if not re.search(r"==\s*\d", package):
                return f"line {each.line}: pip takes whatever {package!r} is on that day"
    return ""


def not_root(stages: list[Stage]) -> str:
    instructions = final(stages)
    last = last_of(instructions, "USER")
    user = last.text.split(":")[0] if last else "root"
    if user in ("root", "0"):
        return "the service runs as root: who breaks into it owns the container"
    made = any(
        user in words and any(w.endswith(("useradd", "adduser")) for w in words)
        for each in instructions
        if each.name == "RUN"
        for words in commands(each)
    )
    if not user.isdecimal() and user not in KNOWN_USERS and not made:
        return f"there is no user {user} in the image: the container does not start"
    return ""


def healthy(stages: list[Stage]) -> str:
    instructions = final(stages)
    check = last_of(instructions, "HEALTHCHECK")
    if check is None or check.rest().upper() == "NONE":
        return "nobody asks: it hangs for days, and is called running"
    keyword, _, rest = check.rest().partition(" ")
    if keyword.upper() != "CMD":
        return f"line {check.line}: HEALTHCHECK is followed by CMD, and a command"
    words = words_of(rest, check.line)
    tool = next((tool for tool in ("curl", "wget") if tool in " ".join(words)), None)
    there = {package for _, package in installed(instructions, "apt-get", "apt", "apk")}
    if tool and tool not in there:
        return f"line {check.line}: there is no {tool} in this image, so it is never healthy"
    if "/health" not in rest:
        return f"line {check.line}: it does not ask /health"
    if "://" in rest and not re.search(r":8000/health", rest):
        return f"line {check.line}: the service listens at port 8000, and it asks another one"
    if re.search(r"\burllib\.request\.", rest) and not IMPORTED.search(rest):
        return f"line {check.line}: urllib.request is not imported, so it is never healthy"
    if re.search(r"\|\|\s*(?:true|exit 0|:)\s*$", rest):
        return f"line {check.line}: it calls everything healthy"
    return ""


def stops(stages: list[Stage]) -> str:
    starts = [each for each in final(stages) if each.name in ("CMD", "ENTRYPOINT")]
    if not starts:
        return "there is no CMD: nothing is started"
    for each in starts:
        words = each.words()
        replaced = words[:1] == ["exec"] and not re.search(r"[;&|]", each.text)
        if not (each.is_exec() or replaced) or words[:1] == [] or words[0] in SHELLS:
            return f"line {each.line}: a shell stands before the service, and keeps the signal"
    if not re.search(r"\bservice\b", " ".join(word for each in starts for word in each.words())):
        return f"line {starts[-1].line}: it does not start the service"
    return ""


def _sources(each: Instruction) -> list[str]:
    """Return what a COPY takes from the folder, or nothing if it takes from a stage."""
    if each.name != "COPY" or "from" in each.flags():
        return []
    return words_of(each.rest(), each.line)[:-1]


def _takes(each: Instruction, file: str) -> bool:
    plain = [source.removeprefix("./").rstrip("/") for source in _sources(each)]
    return any(
        source in ("", ".") or fnmatch(file, source) or file.startswith(f"{source}/")
        for source in plain
    )


def reruns(stages: list[Stage], file: str) -> list[str]:
    """Return which commands run again when `file` has changed, by the cache of layers."""
    stale: set[str] = set()
    again = []
    for number, stage in enumerate(stages):
        fresh = stage.below is None or stage.below.name not in stale
        for each in stage.instructions:
            source = each.flags().get("from", "").lower() if each.name == "COPY" else ""
            if _takes(each, file) or (source and source in stale):
                fresh = False
            if not fresh and each.name == "RUN":
                again.append(each.text)
        if not fresh:
            stale |= {stage.name, str(number)}
    return again


def cached(file: str, installs: bool) -> Look:
    def look(stages: list[Stage]) -> str:
        again = any(re.search(r"pip3?\b.*\binstall", text) for text in reruns(stages, file))
        if again and not installs:
            return f"{file} changes, and all packages are installed anew"
        if installs and not again:
            return f"{file} changes, and the packages stay as they were"
        return ""

    return look


def started(stages: list[Stage]) -> list[str]:
    """Return the words that the container starts with, without a shell and its exec."""
    entry = last_of(final(stages), "ENTRYPOINT")
    command = last_of(final(stages), "CMD")
    words = [word for each in (entry, command) if each is not None for word in each.words()]
    if words[:1] and words[0] in SHELLS and words[1:2] == ["-c"] and words[2:]:
        words = words_of(words[2], 0)
    return words[1:] if words[:1] == ["exec"] else words


def holds_all(weights: str) -> Look:
    """Return the look whether service, model and packages are where what is started finds them."""

    def look(stages: list[Stage]) -> str:
        image = contents(stages, ["service.py", "requirements.txt", weights])
        words = started(stages)
        named = next((word for word in words if re.search(r"\bservice\b", word)), "service.py")
        path = image.path(named if named.endswith(".py") else "service.py")
        services = [each for each in image.files if each.endswith("/service.py")]
        if not services:
            return "service.py is not in the image"
        if "--app-dir" not in " ".join(words) and path not in services:
            return f"service.py is looked for at {path}, and stands at {services[0]}"
        homes = {posixpath.dirname(each) for each in (path, *services)} | {image.folder}
        if not any(posixpath.join(home, weights) in image.files for home in homes):
            name = posixpath.basename(weights)
            flat = next((each for each in image.files if each.endswith(f"/{name}")), "")
            return (
                f"{weights} stands at {flat}, and not in a folder model"
                if flat
                else (f"{weights} is not in the image")
            )
        return packages_seen(image, words[0] if words else "python")

    return look


def with_service(look: Look) -> Look:
    """Return `look`, for which there has to be a service: an empty image does nothing wrong."""

    def looked(stages: list[Stage]) -> str:
        image = contents(stages, ["service.py"])
        if not any(path.endswith("/service.py") for path in image.files):
            return "not yet: service.py is not in the image"
        if not any(True for stage in stages for _ in installed(stage.instructions, "pip", "pip3")):
            return "not yet: no RUN installs by pip what the service needs"
        return look(stages)

    return looked


def no_secrets(stages: list[Stage]) -> str:
    for stage in stages:
        for each in stage.instructions:
            if each.name in ("ARG", "ENV") and SECRET.search(each.text.split("=")[0]):
                return (
                    f"line {each.line}: docker history shows {each.text.split('=')[0]} to everybody"
                )
            for source in _sources(each):
                if (
                    source.strip("/") in ("", ".", "./*", "*")
                    or ".env" in source
                    or ".git" in source
                ):
                    return f"line {each.line}: COPY {source} takes .env and .git along"
    return ""


@exercise(LESSON, "DOCKERFILE", points=3, constant=True)
def dockerfile(student: Student, reference: Student, rng: Rng) -> Iterator[Case]:
    text = once(student, "DOCKERFILE")

    def situation(name: str, want: str, look: Look, hint: str) -> Case:
        def seen() -> str:
            try:
                return look(read(text()))
            except Unreadable as problem:
                return str(problem)

        return holds(name, want, seen, hint=hint)

    yield situation(
        "what builds, and what goes out",
        "two stages, and the last takes what it needs from the first",
        two_stages,
        "Two FROM: in the first, AS build, the packages are installed; the second begins afresh, "
        "and takes their folder by COPY --from=build.",
    )
    yield situation(
        "the service, the model and what they need are there",
        "service.py, the folder model and the packages are where what is started finds them",
        holds_all(f"model/{word(rng)}.safetensors"),
        "In the last stage, below WORKDIR: COPY service.py ., and COPY model/ model/ as a folder "
        "(COPY model/ . copies what is in it). COPY --from=build takes the environment, /venv; and "
        "python is that of /venv only with ENV PATH=/venv/bin:$PATH, or as /venv/bin/python.",
    )
    yield situation(
        "somebody breaks in, and looks for a compiler",
        "there is none",
        with_service(no_compiler),
        "The LAST stage, and whatever it is built FROM, has to do without: a -slim base, and "
        "build-essential in the first stage alone. A digest, in place of a tag or behind it, has "
        "all its 64 digits.",
    )
    yield situation(
        "somebody breaks in: who are they?",
        "not root",
        with_service(not_root),
        "USER, in the last stage, with a number such as 10001, or with a name that RUN useradd "
        "has made there. The last USER counts.",
    )
    yield situation(
        "it is built again in a year: the bases",
        "the same ones",
        with_service(pinned_bases),
        "FROM with a tag of at least two numbers, 3.12-slim, or with @sha256: and 64 digits; no "
        "latest, no tag that says 3, and no image with neither.",
    )
    yield situation(
        "it is built again in a year: the packages",
        "the same ones",
        with_service(pinned_packages),
        "pip install -r requirements.txt, in which each version stands; or name==1.2.3.",
    )
    yield situation(
        "the service hangs",
        "its health is asked for, and it is noticed",
        with_service(healthy),
        "HEALTHCHECK CMD and a command that fails when http://localhost:8000/health does not "
        "answer, with import urllib.request in it. A "
        "slim image has Python (urllib.request.urlopen), and no curl.",
    )
    yield situation(
        "it is told to stop",
        "the signal reaches the service itself",
        with_service(stops),
        'CMD ["python", "service.py"]: a list in JSON. CMD python service.py starts a shell, '
        "which does not hand the signal on, and after ten seconds all is killed.",
    )
    yield situation(
        "a line of the service is changed, and it is built again",
        "the packages come from the cache",
        with_service(cached("service.py", installs=False)),
        "What changes seldom stands above: COPY requirements.txt and RUN pip install first, COPY "
        "service.py after them.",
    )
    yield situation(
        "a new model, and it is built again",
        "the packages come from the cache",
        with_service(cached(f"model/{word(rng)}.json", installs=False)),
        "COPY model/ stands below the installation too.",
    )
    yield situation(
        "a version in requirements.txt is changed, and it is built again",
        "the packages are installed anew",
        with_service(cached("requirements.txt", installs=True)),
        "The stage that installs takes requirements.txt by COPY, before RUN pip install.",
    )
    yield situation(
        "a stranger reads the image layer by layer",
        "there is no secret in it",
        with_service(no_secrets),
        "Whatever once was in a layer stays readable: no ENV and no ARG with a password, and no "
        "COPY . , which takes .env and .git along. Name what you copy.",
    )
