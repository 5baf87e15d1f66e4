"""Known mistakes and right solutions: read from Markdown, made from differences, refused if odd."""

from pathlib import Path

import pytest

from grader.course.answers import Mistake, Right, changed, read_answers
from grader.course.source import LessonError

SOLUTIONS = {
    "double": 'def double(x):\n    """Twice."""\n    added = x + x\n    return added',
    "same": "def same(x):\n    return x\n\n\ndef also(x):\n    return x",
}
GOOD = """\
# Answers

What these are for.

## double

### squares
> not the square: `x + x`
> it is

```python
def double(x):
    return x * x
```

### forgets one
> twice
```diff
-    added = x + x
+    added = x
```

### Right: a product
```diff
-    added = x + x
@@
-    return added
+    return 2 * x
```

## same

### changes the second
> the second
```diff
 def also(x):
-    return x
+    return -x
```
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "answers.md").write_text(GOOD, "utf-8")
    return tmp_path / "answers.md"


def test_answers_are_read_in_order(path: Path) -> None:
    squares, forgets, product, second = read_answers(path, SOLUTIONS)
    code = "def double(x):\n    return x * x"
    assert squares == Mistake("double", "squares", "not the square: `x + x` it is", code)
    assert forgets.code == SOLUTIONS["double"].replace("x + x", "x")
    code = 'def double(x):\n    """Twice."""\n    return 2 * x'
    assert product == Right("double", "a product", code)
    assert second.exercise == "same"
    assert second.code == "def same(x):\n    return x\n\n\ndef also(x):\n    return -x"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("## same", "## other", "answers.md:31: there is no exercise 'other'; there are: double"),
        ("> twice\n", "", "answers.md:16: an answer stands below"),
        ("> twice\n", "> twice\n\n> or so\n", "an answer stands below"),
        ("### Right: a product\n", "### Right: a product\n> a hint\n", "an answer stands below"),
        ("```python", "```", "an answer stands below"),
        ("## double", "double", "an answer stands below its exercise"),
        ("return x * x", "return x *", "not plain Python"),
        ("+    added = x\n", "+    added = (x\n", "not plain Python"),
        ("-    return added", "-    return twice", "a product: the solution has this 0 times"),
        (" def also(x):\n", "", "changes the second: the solution has this 2 times"),
        ("+    return -x", "also:", "begins with -, \\+ or a space: 'also:'"),
    ],
)
def test_odd_ones_are_named(path: Path, old: str, new: str, message: str) -> None:
    assert GOOD.count(old) == 1
    path.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(LessonError, match=message):
        read_answers(path, SOLUTIONS)


def test_a_difference_takes_its_places_one_after_the_other() -> None:
    assert changed("a\nb\na\nb", "-b\n+c\n a\n@@\n-b") == "a\nc\na"
    assert changed("a\n\nb", " a\n\n+c\n b") == "a\n\nc\nb"
    with pytest.raises(ValueError, match=r"this 0 times from line 2 on"):
        changed("a\nb", "-b\n@@\n-a")
    with pytest.raises(ValueError, match="nothing"):
        changed("a\nb", "+c")
