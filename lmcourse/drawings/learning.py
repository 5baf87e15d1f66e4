"""Backpropagation through a small graph."""

from lmcourse.drawings.sketch import WIDTH, Drawing, Sketch


def backpropagation() -> Drawing:
    """Draw `result = a * b + a` with the slope of each arrow, and the grads that come back."""
    a, b = 2, 3
    c = a * b
    result = c + a
    from_c, from_a = 1, 1  # a sum passes each push on as it is
    a_to_c, b_to_c = b, a
    grad_c = from_c
    grad_a, grad_b = from_a + a_to_c * grad_c, b_to_c * grad_c
    sketch = Sketch(WIDTH, 320)
    sketch.arrow((160, 60), (542, 60), (542, 104))
    sketch.text(350, 48, f"slope {from_a}", "middle")
    sketch.arrow((90, 92), (90, 135), (250, 135))
    sketch.text(170, 127, f"slope {a_to_c}: b", "middle")
    sketch.arrow((90, 208), (90, 165), (250, 165))
    sketch.text(170, 187, f"slope {b_to_c}: a", "middle")
    sketch.arrow((380, 150), (472, 150))
    sketch.text(424, 140, f"slope {from_c}", "middle")
    sketch.box(20, 28, 140, 64, f"a = {a}", f"grad {grad_a}", kind="blue")
    sketch.box(20, 208, 140, 64, f"b = {b}", f"grad {grad_b}", kind="blue")
    sketch.box(250, 118, 130, 64, f"c = a * b = {c}", f"grad {grad_c}", kind="green")
    sketch.box(472, 104, 148, 78, "result", f"= c + a = {result}", "grad 1", kind="orange")
    ways = f"{from_a} + {a_to_c} · {grad_c} = {grad_a}"
    sketch.text(200, 226, "back, from the right to the left:", name=True)
    sketch.text(200, 248, f"grad of b: one way, {b_to_c} · {grad_c} = {grad_b}")
    sketch.text(200, 270, f"grad of a: two ways, {ways}")
    sketch.text(20, 306, "along a path, multiply; where paths meet, add")
    return sketch.done(
        "Backpropagation through a small graph",
        f"a = {a} and b = {b} are multiplied, c = {c}, and a is added, result = {result}. The "
        f"slopes on the arrows: {a_to_c} from a to c, {b_to_c} from b to c, {from_c} from c to the "
        f"result, {from_a} from a straight to the result. Going back from the result, whose grad "
        f"is 1, c has grad {grad_c}, b has {b_to_c} · {grad_c} = {grad_b}, and a, which two ways "
        f"lead to, has {ways}.",
    )
