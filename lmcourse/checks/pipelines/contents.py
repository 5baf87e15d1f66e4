"""Follows a Dockerfile's instructions: which files stand where in the image, and who sees them.

Only files that matter are followed: those of the folder, and "packages", a file that stands for
what pip has installed. Nothing is built.
"""

import posixpath
import re
from dataclasses import dataclass, field
from fnmatch import fnmatch

from lmcourse.checks.pipelines.dockerfile import Instruction, Stage, commands, words_of

SYSTEM = "/usr/local"
HOME = posixpath.join("/", "root")
"""Where `pip install --user` begins in a stage that sets no HOME: a build runs as root."""
PYTHONS = (SYSTEM, f"{SYSTEM}/lib", f"{SYSTEM}/lib/python3", f"{SYSTEM}/lib/python3/site-packages")
"""Folders that an image with Python has."""
TOOLS = {"pip", "setuptools", "wheel", "uv"}
"""What is installed to install other things by."""
VALUED = ("-r", "--requirement", "-c", "--constraint", "-i", "--index-url", "--extra-index-url")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass
class Contents:
    """What an image has after some instructions: paths, and what later ones depend on."""

    python: str = ""  # its Python's version, such as "3.12", where the base says so
    files: dict[str, str] = field(default_factory=dict)  # path -> Python that installed it, or ""
    folder: str = "/"
    values: dict[str, str] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)  # folders, with something in them or not

    def path(self, name: str) -> str:
        """Return where `name` is, a path in this image, without a version of Python in it."""
        name = re.sub(r"\bpython3\.\d+\b", "python3", self.filled(name))
        name = name.replace("dist-packages", "site-packages")
        return posixpath.normpath(posixpath.join(self.folder, name))

    def filled(self, text: str) -> str:
        """Return `text` with the values of variables put in; those unknown are left out."""
        return _VARIABLE.sub(lambda found: self.values.get(found[1] or found[2], ""), text)

    def searched(self) -> list[str]:
        """Return the folders of PATH."""
        return [each for each in self.values.get("PATH", "").split(":") if each]

    def is_folder(self, path: str) -> bool:
        """Return whether a folder is known to be there."""
        there = {"/", "/tmp", "/srv", "/opt", self.folder, *self.made}  # noqa: S108
        return path in there or any(file.startswith(f"{path}/") for file in self.files)

    def prefix(self, program: str) -> str:
        """Return below which folder a program such as "python" or "/venv/bin/pip" stands."""
        if "/" in program:
            return posixpath.dirname(posixpath.dirname(self.path(program)))
        for folder in self.searched():
            prefix = posixpath.dirname(folder.rstrip("/"))
            if f"{prefix}/pyvenv.cfg" in self.files:
                return prefix
        return SYSTEM


def contents(stages: list[Stage], context: list[str]) -> Contents:
    """Return what the image that goes out has; `context` are the files of the folder."""
    known: dict[str, Contents] = {}
    for number, stage in enumerate(stages):
        below = known.get(stage.below.name) if stage.below else None
        version = re.search(r"(?:^|/)python:(3\.\d+)", stage.base)
        now = Contents(
            below.python if below else version[1] if version else "",
            dict(below.files) if below else {},
            below.folder if below else "/",
            dict(below.values) if below else {"PATH": f"{SYSTEM}/bin:/usr/bin:/bin"},
            set(below.made) if below else set(PYTHONS),
        )
        for each in stage.instructions:
            _follow(each, now, known, context)
        known[stage.name] = known[str(number)] = now
    return known[stages[-1].name]


def _follow(
    each: Instruction, now: Contents, known: dict[str, Contents], context: list[str]
) -> None:
    if each.name == "WORKDIR":
        now.folder = now.path(each.text.strip("\"'"))
    elif each.name in ("ENV", "ARG"):
        _set(each, now)
    elif each.name == "COPY":
        _copy(each, now, known, context)
    elif each.name == "RUN":
        _run(each, now)


def _set(each: Instruction, now: Contents) -> None:
    words = words_of(each.text, each.line)
    if "=" not in words[0]:
        words = [f"{words[0]}={' '.join(words[1:])}"] if words[1:] else []
    for word in words:
        name, _, value = word.partition("=")
        now.values[name] = now.filled(value)


def _copy(each: Instruction, now: Contents, known: dict[str, Contents], context: list[str]) -> None:
    *sources, target = words_of(each.rest(), each.line)
    came = each.flags().get("from", "").lower()
    if came and came not in known:
        return
    there = known[came].files if came else {f"/{name}": "" for name in context}
    whole = now.path(target)
    into = target.endswith(("/", ".")) or len(sources) > 1 or now.is_folder(whole)
    for source in sources:
        pattern = Contents(values=now.values).path(source)
        for path, python in list(there.items()):
            if path.startswith(f"{pattern.rstrip('/')}/"):  # of a folder, what is in it
                now.files[posixpath.join(whole, path[len(pattern.rstrip("/")) + 1 :])] = python
                continue
            for top in _upward(path):
                if fnmatch(top, pattern) and top.count("/") == pattern.count("/"):
                    inside = path[len(top) + 1 :]
                    name = inside or (posixpath.basename(path) if into else "")
                    now.files[posixpath.join(whole, name).rstrip("/")] = python


def _upward(path: str) -> list[str]:
    """Return a path, and the folders that it lies in."""
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(len(parts), 1, -1)]


def _run(each: Instruction, now: Contents) -> None:
    before = now.values["PATH"]
    folder = now.folder
    for words in commands(each):
        words = [now.filled(word) for word in words]
        if words[0] == "cd" and len(words) == 2:
            now.folder = now.path(words[1])
        elif words[0] in (".", "source") and words[1:] and words[1].endswith("/bin/activate"):
            now.values["PATH"] = f"{posixpath.dirname(now.path(words[1]))}:{now.values['PATH']}"
        elif words[0] == "export" and words[1:] and words[1].startswith("PATH="):
            now.values["PATH"] = words[1].removeprefix("PATH=")
        elif "venv" in words[1:] or words[0].endswith("virtualenv"):
            made = [word for word in words[1:] if not word.startswith("-") and word != "venv"]
            if made:
                now.files[f"{now.path(made[-1])}/pyvenv.cfg"] = now.python
        elif words[0] == "mkdir":
            now.made |= {now.path(word) for word in words[1:] if not word.startswith("-")}
        elif words[0] in ("mv", "cp"):
            _move(words, now)
        elif "install" in words:
            _install(words, now)
    now.values["PATH"], now.folder = before, folder


def _move(words: list[str], now: Contents) -> None:
    """Follow `mv` and `cp -r` of files and folders; of their options, none is looked at."""
    names = [word for word in words[1:] if not word.startswith("-")]
    if len(names) < 2:
        return
    *sources, target = names
    whole = now.path(target)
    into = (
        target.endswith(("/", "/.")) or len(sources) > 1 or "*" in names[0] or now.is_folder(whole)
    )
    for source in sources:
        pattern = now.path(source)
        for path, python in list(now.files.items()):
            depth = pattern.count("/")
            top = next((each for each in _upward(path) if each.count("/") == depth), "")
            if not top or not fnmatch(top, pattern):
                continue
            inner = path[len(top) + 1 :]
            if into and not source.endswith("/."):  # of a folder with a dot, what is in it
                inner = posixpath.join(posixpath.basename(top), inner)
            if words[0] == "mv":
                del now.files[path]
            now.files[posixpath.join(whole, inner).rstrip("/")] = python


def _install(words: list[str], now: Contents) -> None:
    program = words[0]
    tool = posixpath.basename(program)
    pip = tool.startswith("pip") or (tool.startswith("python") and words[1:3] == ["-m", "pip"])
    rest = words[words.index("install") + 1 :]
    options: dict[str, str] = {}
    packages = []
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if word.startswith("-") and equals:
            options[name] = value
        elif word in (*VALUED, "-t", "--target", "--prefix", "--root"):
            options[word] = rest.pop(0) if rest else ""
        elif word.startswith("-r"):
            options["-r"] = word[2:]
        elif word.startswith("-"):
            options[word] = ""
        else:
            packages.append(word)
    listed = {"-r", "--requirement"} & set(options)
    if not pip or not (
        listed or any(re.split(r"[=<>\[~]", each)[0] not in TOOLS for each in packages)
    ):
        return
    target = options.get("-t") or options.get("--target")
    if target:
        now.files[f"{now.path(target)}/packages"] = now.python
        return
    prefix = now.prefix(program)
    if options.get("--prefix") or options.get("--root"):
        prefix = now.path(options.get("--prefix") or options["--root"] + SYSTEM)
    elif "--user" in options:
        prefix = now.path(now.values.get("HOME", HOME) + "/.local")
    now.files[f"{prefix}/lib/python3/site-packages/packages"] = now.python


def packages_seen(image: Contents, program: str) -> str:
    """Return what keeps `program`, which the container starts, from its packages, or ""."""
    there = {path: python for path, python in image.files.items() if path.endswith("/packages")}
    if not there:
        return "the packages are in no stage that goes out: COPY --from=... takes none of them"
    python = posixpath.basename(program).startswith("python")
    prefixes = [image.prefix(program)]
    if not python and "/" not in program:  # such as uvicorn: it stands where it was installed
        prefixes += [posixpath.dirname(each.rstrip("/")) for each in image.searched()]
    if prefixes[0] in (SYSTEM, "/usr", "/"):
        prefixes += [SYSTEM, "/usr"]
        if home := image.values.get("HOME"):
            prefixes.append(image.path(home) + "/.local")
        prefixes += [
            path.split("/lib/")[0] for path in there if re.match(r"/home/\w+/\.local/", path)
        ]
    seen = [f"{prefix}/lib/python3/site-packages/packages" for prefix in prefixes]
    for each in image.values.get("PYTHONPATH", "").split(":"):
        seen.append(f"{image.path(each)}/packages") if each else None
    found = next((path for path in seen if path in there), None)
    if found is None:
        where = posixpath.dirname(next(iter(there)))
        return (
            f"{program} does not see the packages, which are in {where}: ENV PATH, or its full path"
        )
    if there[found] and image.python and there[found] != image.python:
        return f"Python {there[found]} installed the packages, and Python {image.python} starts"
    return ""
