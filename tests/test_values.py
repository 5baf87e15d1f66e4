"""What crosses between a notebook's process and its judge, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from lmcourse import values
from lmcourse.values import pack, unpack


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


def test_numpy_scalars_become_numbers() -> None:
    assert crossed(np.float32(0.5)) == 0.5
    assert type(crossed(np.int64(3))) is int


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
