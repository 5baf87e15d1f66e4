"""What a course's own code defines at its top level."""

import ast


def definitions(code: str) -> dict[str, str]:
    """Return the source of each function, class and assignment at the top level, by name."""
    lines = code.splitlines()
    found = {}
    for node in ast.parse(code).body:
        first = node.lineno
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names = [node.name]
            first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            parts = (part for part in ast.walk(node) if isinstance(part, ast.Name))
            names = [part.id for part in parts if isinstance(part.ctx, ast.Store)]
        else:
            continue
        text = "\n".join(lines[first - 1 : node.end_lineno])
        found.update(dict.fromkeys(names, text))
    return found
