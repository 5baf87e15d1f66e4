"""What is done before a run starts: parameters, `${{ }}`, if, each, insert, includes, extends.

Source: "Template usage reference" and "Template expressions" (Azure Pipelines), also for the limits
of a hundred files and twenty levels. What grows is counted: nodes, text and expressions.
"""

import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from lmcourse.pipelines.azure.directives import DIRECTIVE, Branches, Names
from lmcourse.pipelines.azure.parameters import node_of, read_parameters
from lmcourse.pipelines.expressions.azure import Scope, expand_template
from lmcourse.pipelines.expressions.values import Value, to_text
from lmcourse.pipelines.fields import closest, needed, refuse, table
from lmcourse.pipelines.source import Listing, Node, Scalar, Table, called, parse, short

MOST_PARTS = 20_000
"""Nodes that are looked at."""
MOST_TEXT = 500_000
"""Characters that come of it."""
MOST_ASKED = 200_000
"""Characters of expressions that are evaluated; a function counts as 500, one of JSON as 2500."""
MOST_READ = 400_000
"""Characters of templates that are read."""
MOST_FILES = 100
MOST_LEVELS = 20
DEEPEST = 60

_SECTIONS = frozenset({"stages", "jobs", "steps", "variables"})
_FIXED = ("trigger", "pr", "schedules", "resources")


def expand(
    root: Node,
    files: Mapping[str, str],
    given: Mapping[str, str],
    variables: Mapping[str, str],
) -> Node:
    """Return `root` with all that is known before a run done.

    `files` are the templates by path, `given` the parameters' values, `variables` those that are
    predefined. Raises `Refused`.
    """
    if not isinstance(root, Table):
        return root
    work = _Expander({posixpath.normpath(path): text for path, text in files.items()})
    nodes = {name: Scalar(value, root.file, 1) for name, value in given.items()}
    parameters = read_parameters(root.get("parameters"), nodes, root, template=False)
    names: Names = {"parameters": parameters, "variables": dict(variables)}
    fixed = [(key, value) for key, value in root.items if key.text in _FIXED]
    for _, value in fixed:
        _no_expression(value)
    rest = [(k, v) for k, v in root.items if k.text not in {*_FIXED, "parameters", "extends"}]
    found = work.table(Table(tuple(rest), root.file, root.line), names, "")
    extends = root.get("extends")
    items = [*fixed, *found.items]
    if extends is not None:
        own = {key.text for key, _ in items}
        added = work.extends(extends, work.with_variables(found, names))
        clash = next((key for key, _ in added.items if key.text in own - {"variables"}), None)
        if clash is not None:
            raise refuse(clash, f"the template has `{clash.text}`, and so has the pipeline itself")
        items = _both_variables([*items, *added.items])
    return Table(tuple(items), root.file, root.line)


def _both_variables(items: list[tuple[Scalar, Node]]) -> list[tuple[Scalar, Node]]:
    """Return items with one list of variables, where there are two."""
    both = [value for key, value in items if key.text == "variables"]
    if len(both) < 2:
        return items
    listed: list[Node] = []
    for node in both:
        if isinstance(node, Listing):
            listed += node.items
        elif isinstance(node, Table):
            for key, value in node.items:
                name = (Scalar("name", key.file, key.line), key)
                pair = (name, (Scalar("value", key.file, key.line), value))
                listed.append(Table(pair, key.file, key.line))
    key = Scalar("variables", both[0].file, both[0].line)
    rest = [one for one in items if one[0].text != "variables"]
    return [*rest, (key, Listing(tuple(listed), both[0].file, both[0].line))]


def _no_expression(node: Node) -> None:
    if isinstance(node, Scalar):
        if "${{" in node.text:
            sentence = "here no expression can stand: what starts a pipeline is known before it"
            raise refuse(node, sentence)
    elif isinstance(node, Listing):
        for item in node.items:
            _no_expression(item)
    else:
        for key, value in node.items:
            _no_expression(key)
            _no_expression(value)


@dataclass
class _Expander:
    files: Mapping[str, str]
    parts: int = MOST_PARTS
    text: int = MOST_TEXT
    asked: int = MOST_ASKED
    to_read: int = MOST_READ
    includes: int = 0
    depth: int = 0
    stack: list[str] = field(default_factory=list)
    roots: dict[str, Node] = field(default_factory=dict)  # of templates, by path

    def spend(self, node: Node, text: str = "", asked: str = "") -> None:
        """Count a part, its text and an expression; refuse what would grow too large."""
        self.parts -= 1
        self.text -= len(text)
        self.asked -= len(asked) + 500 * asked.count("(") + 2000 * asked.lower().count("json")
        if min(self.parts, self.text, self.asked, self.to_read) < 0:
            raise refuse(node, "with all templates, the pipeline grows too large")

    def filled(self, node: Scalar, names: Names) -> Value:
        """Return what text with expressions in it becomes."""
        self.spend(node, asked=node.text)
        return expand_template(node.text, Scope(names), node.file, node.line)

    def node(self, node: Node, names: Names, section: str) -> Node:
        """Return a node expanded; `section` is the key of the list that it stands in."""
        self.depth += 1
        self.spend(node)
        if self.depth > DEEPEST:
            raise refuse(node, f"with all templates, it is nested more than {DEEPEST} levels deep")
        if isinstance(node, Scalar):
            found = self.scalar(node, names)
        elif isinstance(node, Listing):
            found = self.listing(node, names, section)
        else:
            found = self.table(node, names, section)
        self.depth -= 1
        return found

    def scalar(self, node: Scalar, names: Names) -> Node:
        """Return text with its expressions done; one alone may be a list or a mapping."""
        if "${{" not in node.text:
            self.spend(node, node.text)
            return node
        value = self.filled(node, names)
        if isinstance(value, Mapping | list | tuple):
            found = node_of(value, node.file, node.line)
            self.count(found)
            return found
        text = to_text(value)
        self.spend(node, text)
        return Scalar(text, node.file, node.line, plain=False, block=node.block)

    def count(self, node: Node) -> None:
        """Count what an expression puts in."""
        self.spend(node, node.text if isinstance(node, Scalar) else "")
        if isinstance(node, Listing):
            for item in node.items:
                self.count(item)
        elif isinstance(node, Table):
            for _, value in node.items:
                self.count(value)

    def listing(self, node: Listing, names: Names, section: str) -> Listing:
        """Return a list; directives and lists within it are put in place."""
        items: list[Node] = []
        branches = Branches(self.spend, names)
        for item in node.items:
            if isinstance(item, Scalar) and "${{" in item.text:
                found = self.node(item, names, section)
                items += found.items if isinstance(found, Listing) else [found]
                continue
            key = item.items[0][0] if isinstance(item, Table) and len(item.items) == 1 else None
            directive = DIRECTIVE.fullmatch(key.text.strip()) if key else None
            if key is None or directive is None or not isinstance(item, Table):
                branches.end()
                items += self.item(item, names, section)
                continue
            bodies = [
                self.node(item.items[0][1], inner, section)
                for inner in branches.rounds(key, directive)
            ]
            tables = [one for one in bodies if isinstance(one, Table)]
            for one in bodies:
                if isinstance(one, Listing):
                    items += one.items
                elif isinstance(one, Scalar):
                    raise refuse(one, "below a directive in a list stands a list, `- item`")
            if tables:
                pairs = [pair for one in tables for pair in one.items]
                items.append(_merged(pairs, item))
        return Listing(tuple(items), node.file, node.line)

    def item(self, item: Node, names: Names, section: str) -> Iterable[Node]:
        """Return what an item of a list becomes: itself, or all of a template."""
        if section in _SECTIONS and isinstance(item, Table) and item.get("template") is not None:
            found = self.include(item, names, section)
            if isinstance(found, Listing):
                return found.items
            assert isinstance(found, Table)  # variables
            pairs = []
            for key, value in found.items:
                name = (Scalar("name", key.file, key.line), key)
                pair = (name, (Scalar("value", key.file, key.line), value))
                pairs.append(Table(pair, key.file, key.line))
            return pairs
        found = self.node(item, names, "")
        # A mapping of which no directive left anything.
        return () if isinstance(found, Table) and not found.items else (found,)

    def table(self, node: Table, names: Names, section: str) -> Table:
        """Return a mapping; its variables are known to all that stands beside them."""
        items: list[tuple[Scalar, Node]] = []
        branches = Branches(self.spend, names)
        first = [pair for pair in node.items if pair[0].text == "variables"]
        done: dict[int, Node] = {}
        for key, value in first:
            done[id(value)] = self.node(value, names, "variables")
            names = self.with_variables(Table(((key, done[id(value)]),), "", 1), names)
        branches.names = names
        for key, value in node.items:
            directive = DIRECTIVE.fullmatch(key.text.strip())
            if directive is None:
                branches.end()
                shown = key
                if "${{" in key.text:
                    shown = Scalar(to_text(self.filled(key, names)), key.file, key.line)
                self.spend(key, shown.text)
                inside = shown.text if shown.text in _SECTIONS else ""
                found = done.get(id(value))
                items.append((shown, self.node(value, names, inside) if found is None else found))
                continue
            for inner in branches.rounds(key, directive):
                body = self.node(value, inner, section)
                if isinstance(body, Scalar) and (body.null or not body.text):
                    continue
                if not isinstance(body, Table):
                    told = f"below a directive in a mapping stands a mapping, not {called(body)}"
                    raise refuse(body, told)
                items += body.items
        return _merged(items, node)

    def with_variables(self, node: Table, names: Names) -> Names:
        """Return `names` with the variables of a mapping's `variables` in them."""
        written = node.get("variables")
        added: dict[str, str] = {}
        if isinstance(written, Table):
            pairs = [(key.text, value) for key, value in written.items]
        else:
            tables = [one for one in getattr(written, "items", ()) if isinstance(one, Table)]
            both = [(one.get("name"), one.get("value")) for one in tables]
            pairs = [(key.text, value) for key, value in both if isinstance(key, Scalar) and value]
        for name, value in pairs:
            if isinstance(value, Scalar):
                added[name] = "" if value.null else value.text
        before = names["variables"]
        assert isinstance(before, Mapping)
        low = {name.lower() for name in added}
        kept = {name: value for name, value in before.items() if name.lower() not in low}
        return {**names, "variables": {**kept, **added}}

    def include(self, item: Table, names: Names, section: str) -> Node:
        """Return what a template has at the key `section`."""
        root, inner = self.template(item, names)
        body = table(root, "such a template", ("parameters", section))
        if section not in body:
            raise refuse(root, f"the template has no `{section}`, and it is included there")
        found = self.node(body[section], inner, section)
        self.stack.pop()
        wanted = (Listing, Table) if section == "variables" else (Listing,)
        if not isinstance(found, wanted):
            raise refuse(
                found, f"{section} has to be a list, `- item`, and this is {called(found)}"
            )
        return found

    def extends(self, node: Node, names: Names) -> Table:
        """Return the pipeline of which a template says how it looks."""
        root, inner = self.template(node, names)
        items = [(key, value) for key, value in root.items if key.text != "parameters"]
        if any(key.text == "extends" for key, _ in items):
            (again,) = (value for key, value in items if key.text == "extends")
            found = self.extends(again, inner)
        else:
            found = self.table(Table(tuple(items), root.file, root.line), inner, "")
        self.stack.pop()
        return found

    def template(self, node: Node, names: Names) -> tuple[Table, Names]:
        """Return the root of the template that `node` asks for, and the names that hold in it."""
        asked = table(node, "what includes a template", ("template", "parameters"))
        written = needed(asked.get("template"), "the template's path", node)
        where: Node = asked["template"]
        if "${{" in written:
            written = to_text(self.filled(Scalar(written, where.file, where.line), names))
        path = self.path(written, asked["template"])
        self.includes += 1
        if self.includes > MOST_FILES:
            raise refuse(where, f"more than {MOST_FILES} templates are included")
        if len(self.stack) >= MOST_LEVELS:
            own = "it includes itself" if path in self.stack else "templates include templates"
            raise refuse(where, f"{own}, {short(path)}, over more than {MOST_LEVELS} levels")
        self.stack.append(path)
        if path not in self.roots:
            self.to_read -= len(self.files[path])
            self.spend(where)
            self.roots[path] = parse(self.files[path], path)
        root = self.roots[path]
        if not isinstance(root, Table):
            raise refuse(root, f"a template has to be a mapping, and this is {called(root)}")
        given = {}
        if "parameters" in asked:
            found = self.node(asked["parameters"], names, "")
            if not isinstance(found, Table):
                raise refuse(found, "parameters are given as a mapping, `name: value`")
            given = {key.text: value for key, value in found.items}
        parameters = read_parameters(root.get("parameters"), given, where, template=True)
        return root, {"parameters": parameters, "variables": names["variables"]}

    def path(self, written: str, where: Node) -> str:
        """Return the path of a template: from the repository's root, or from the file's folder."""
        path, at, repository = written.strip().partition("@")
        if at and repository != "self":
            raise refuse(where, "templates lie in this repository in the course's subset")
        folder = "" if path.startswith("/") else posixpath.dirname(where.file)
        path = posixpath.normpath(posixpath.join(folder, path.lstrip("/")))
        if path not in self.files:
            near = closest(path, self.files) if self.files else "; there are no templates at all"
            raise refuse(where, f"there is no template `{short(path)}`{near}")
        return path


def _merged(items: list[tuple[Scalar, Node]], node: Node) -> Table:
    """Return a mapping of pairs from several places; no key may be there twice."""
    seen: dict[str, Scalar] = {}
    for key, _ in items:
        low = key.text.lower()
        if low in seen:
            raise refuse(key, f"{short(key.text)} is written twice: see line {seen[low].line}")
        seen[low] = key
    return Table(tuple(items), node.file, node.line)
