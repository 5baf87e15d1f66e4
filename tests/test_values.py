"""What crosses between a notebook's process and its judge, and what is refused."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from grader.checks import values
from grader.checks.compare import difference
from grader.checks.student import Host, Student
from grader.checks.values import pack, unpack


def no_handles(item: Any) -> Any:
    raise AssertionError(f"no handle was expected, got {item}")


def crossed(value: Any) -> Any:
    return unpack(pack(value, no_handles), no_handles)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        10**40,
        -1.5,
        math.inf,
        "naïve ␣ \udc80",
        [],
        [1, [2.0, "x"], None],
        (1, (2, 3)),
        {1, 2},
        {"a": 1, (1, 2): [3]},
    ],
)
def test_plain_values_keep_value_and_type(value: Any) -> None:
    came = crossed(value)
    assert came == value
    assert type(came) is type(value)


@pytest.mark.parametrize("name", sorted(values._DTYPES))
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_tensors_keep_dtype_shape_and_numbers(name: str, shape: tuple[int, ...]) -> None:
    tensor = torch.arange(math.prod(shape)).reshape(shape).to(values._DTYPES[name])
    came = crossed(tensor)
    assert came.dtype == tensor.dtype
    assert came.shape == tensor.shape
    assert torch.equal(came, tensor)


def test_a_tensor_with_a_gradient_or_strides_crosses_as_its_numbers() -> None:
    tensor = torch.arange(6.0, requires_grad=True).reshape(2, 3).T
    assert torch.equal(crossed(tensor), torch.tensor([[0.0, 3.0], [1.0, 4.0], [2.0, 5.0]]))


@pytest.mark.parametrize("dtype", ["<f4", ">f8", "bool", "int16", "complex128"])
def test_arrays_keep_their_numbers(dtype: str) -> None:
    array = np.arange(6).reshape(2, 3).astype(dtype)
    assert np.array_equal(crossed(array), array)


@pytest.mark.parametrize(
    "number",
    [
        *(np.float16(0.5), np.float32(0.5), np.longdouble(0.5), Fraction(1, 2), Decimal("0.5")),
        *(np.int8(3), np.uint64(3), np.bool_(True), np.str_("x")),
    ],
    ids=lambda number: type(number).__name__,
)
def test_what_is_a_number_or_a_text_by_another_name_crosses_as_one(number: Any) -> None:
    came = crossed(number)
    assert came == number
    assert type(came) in (float, int, bool, str)
    assert type(came) is not int or not isinstance(number, (np.floating, Fraction, Decimal))


# --- Views, strides and kinds of every sort ---------------------------------------------------

FUZZ = settings(database=None, deadline=None, derandomize=True, max_examples=300)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Return a tensor of any dtype that a few steps have made another view, or kind, of numbers."""
    dtype = draw(st.sampled_from(list(values._DTYPES.values())))
    shape = draw(st.lists(st.integers(0, 5), max_size=3))
    made = torch.arange(math.prod(shape)).reshape(shape).to(dtype)
    if dtype.is_complex:
        made = made * (1 - 2j)
    for _ in range(draw(st.integers(0, 3))):
        axis = draw(st.integers(0, max(made.dim() - 1, 0)))
        match draw(st.sampled_from(["slice", "transpose", "expand", "pick", "conj", "wrap"])):
            case "slice" if made.dim():
                step, start = draw(st.integers(1, 3)), draw(st.integers(0, 2))
                made = made[(slice(None),) * axis + (slice(start, None, step),)]
            case "transpose":
                made = made.permute(list(reversed(range(made.dim()))))
            case "expand":
                made = made.expand(2, *made.shape)
            case "pick" if made.dim() and made.shape[axis]:
                made = made.select(axis, draw(st.integers(0, made.shape[axis] - 1)))
            case "conj" if made.is_complex():
                made = draw(st.sampled_from([made.conj(), made.conj().imag, made.real]))
            case "wrap" if made.is_floating_point():
                made = draw(st.sampled_from([torch.nn.Parameter(made), made.requires_grad_() + 0]))
    return made


def test_one_number_of_a_column_crosses() -> None:
    column = torch.randn(1, 5)[:, 2]
    assert torch.equal(crossed(column), column)


@given(tensors())
@FUZZ
def test_any_view_of_a_tensor_crosses_as_its_numbers(tensor: torch.Tensor) -> None:
    came = crossed(tensor)
    assert (came.dtype, came.shape) == (tensor.dtype, tensor.shape)
    assert torch.equal(came, tensor.detach())
    assert difference(came, tensor.detach(), atol=0, rtol=0) == ""


@given(
    st.one_of(
        npst.boolean_dtypes(),
        npst.integer_dtypes(endianness="="),
        npst.integer_dtypes(endianness=">"),
        npst.unsigned_integer_dtypes(endianness=">"),
        npst.floating_dtypes(endianness="=", sizes=(16, 32, 64)),
        npst.floating_dtypes(endianness=">", sizes=(16, 32, 64)),
        npst.complex_number_dtypes(endianness=">", sizes=(64, 128)),
    ).flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=0, min_side=0))),
    st.data(),
)
@FUZZ
def test_any_view_of_an_array_crosses_as_its_numbers(array: Any, data: st.DataObject) -> None:
    if array.ndim:
        array = array[data.draw(npst.basic_indices(array.shape))]
    view = np.asarray(array).T if data.draw(st.booleans()) else np.asarray(array)
    came = crossed(view)
    assert (came.shape, came.dtype) == (view.shape, view.dtype.newbyteorder("="))
    assert np.array_equal(came, view, equal_nan=view.dtype.kind in "fc")


def test_long_floats_which_differ_from_machine_to_machine_cross_as_usual_ones() -> None:
    assert crossed(np.ones(2, dtype=np.longdouble)).dtype == np.float64
    assert crossed(np.ones(2, dtype=np.clongdouble)).dtype == np.complex128


def test_a_default_device_of_the_notebook_changes_nothing() -> None:
    tensor = torch.arange(3.0)
    torch.set_default_device("meta")
    try:
        packed = pack(tensor, no_handles)
    finally:
        torch.set_default_device(None)
    assert torch.equal(unpack(packed, no_handles), tensor)


# --- What stays where it is -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (map(str, [1]), "map"),
        ({}.keys(), "dict_keys"),
        (range(3), "range"),
        (b"x", "bytes"),
        (1j, "complex"),
        (type("Wörter", (), {})(), "object"),
        (type("x" * 1000, (), {})(), "x" * 60),
        (type("<script>", (), {})(), "object"),
    ],
)
def test_what_cannot_travel_is_named_by_its_type(value: Any, kind: str) -> None:
    student = Student(Host({"answer": value, "ask": lambda: [value]}, {}).send)
    for came in (student.answer, student.ask()[0]):
        found = difference(came, [1], atol=0, rtol=0)
        assert found.split("got ")[1].split(maxsplit=1)[1] == kind
        with pytest.raises(TypeError, match=kind):
            len(came)
        with pytest.raises(TypeError, match=kind):
            came[0]
        with pytest.raises(TypeError, match=kind):
            float(came)


def test_nan_crosses() -> None:
    assert math.isnan(crossed([math.nan])[0])


def test_objects_travel_as_handles() -> None:
    thing = object()
    kept = []

    def keep(value: Any) -> dict[str, Any]:
        kept.append(value)
        return {"number": 7}

    came = unpack(pack([thing, 1], keep), lambda item: ("handle", item["number"]))
    assert came == [("handle", 7), 1]
    assert kept == [thing]


def test_a_tensor_that_claims_terabytes_is_refused_before_it_is_copied() -> None:
    with pytest.raises(ValueError, match="at most"):
        pack(torch.zeros(1).expand(10**12), no_handles)


def test_endless_nesting_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValueError, match="too deeply"):
        pack(value, no_handles)


def test_too_many_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="too many parts"):
        pack(list(range(values.MAX_NODES + 1)), no_handles)
    with pytest.raises(ValueError, match="too many tensors"):
        pack([torch.zeros(0)] * (values.MAX_TENSORS + 1), no_handles)
    one = b'{"is":"tensor","dtype":"bool","shape":[0]}'
    with pytest.raises(ValueError, match="too many tensors"):
        unpack(frame(b"[" + b",".join([one] * (values.MAX_TENSORS + 1)) + b"]"), no_handles)


def test_a_sparse_tensor_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be sent"):
        pack(torch.eye(2).to_sparse(), no_handles)


def frame(header: bytes, rest: bytes = b"") -> bytes:
    return len(header).to_bytes(4, "little") + header + rest


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"\x00",
        frame(b""),
        frame(b"{"),
        frame(b"\xff\xfe"),
        b"\xff\xff\xff\xffnull",
        frame(b"null", b"left over"),
        frame(b"[" * 100_000),
        frame(b"9" * 10_000),
        frame(b'{"no": "kind"}'),
        frame(b'{"is": "code", "v": "import os"}'),
        frame(b'{"is": "float", "v": "1.5"}'),
        frame(b'{"is": "set", "v": [[1]]}'),
        frame(b'{"is": "dict", "v": [1]}'),
        frame(b'{"is": "tuple", "v": 3}'),
        frame(b'{"is": "tensor", "dtype": "float32", "shape": [2]}', b"1234"),
        frame(b'{"is": "tensor", "dtype": "object", "shape": [0]}'),
        frame(b'{"is": "tensor", "dtype": "float32", "shape": [-1]}', b"1234"),
        frame(b'{"is": "tensor", "dtype": "float32", "shape": [1.0]}', b"1234"),
        frame(b'{"is": "tensor", "dtype": "float32", "shape": "1"}', b"1234"),
        frame(b'{"is": "tensor", "dtype": "float32", "shape": [99999999, 99999999]}'),
        frame(b'{"is": "array", "dtype": "O", "shape": [1]}', b"12345678"),
        frame(b'{"is": "array", "dtype": "f4,f4", "shape": [1]}', b"12345678"),
        frame(b'{"is": "array", "dtype": [], "shape": [1]}', b"12345678"),
        frame(b'{"is": "array", "dtype": "<f16", "shape": [0]}'),
        frame(b"[" + b"{}," * values.MAX_NODES * 2 + b"{}]"),
    ],
)
def test_a_forged_frame_is_an_error_and_nothing_else(forged: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any sentence will do
        unpack(forged, no_handles)


def test_what_is_unpacked_owns_its_memory() -> None:
    packed = pack(torch.zeros(3), no_handles)
    first, second = unpack(packed, no_handles), unpack(packed, no_handles)
    first += 1
    assert torch.equal(second, torch.zeros(3))
