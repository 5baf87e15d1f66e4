"""Values that cross between a notebook's process and the one that checks it.

A value is packed into one self-contained `bytes` frame: JSON for the structure, raw bytes for the
numbers of tensors and arrays. Nothing that is unpacked can run code, and every size is bounded, so
a frame from a hostile process is at worst a `ValueError`.

Values: None, bool, int, float, str, list, tuple, set, dict, torch tensors and numpy arrays; other
real numbers travel as floats. Any other object stays where it lives; a handle (a number) travels in
its place.
"""

import json
import math
import struct
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import torch

MAX_BYTES = 64 * 2**20
MAX_HEADER = 8 * 2**20
MAX_NODES = 200_000
MAX_DEPTH = 32
MAX_TENSORS = 20_000
"""So many tensors and arrays may travel at a time: each takes far more memory than its bytes."""
MAX_REASON = 200
MAX_ALIKE = 1000
"""So many keys of one hash, and so many integers that are long enough to share one, may travel:
n keys of one hash take n² steps to put into a set or dict."""

_DTYPES: dict[str, torch.dtype] = {
    name: getattr(torch, name)
    for name in (
        *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
        *("float16", "bfloat16", "float32", "float64", "complex64", "complex128"),
    )
}
_DTYPE_NAMES = {dtype: name for name, dtype in _DTYPES.items()}
_ARRAY_KINDS = "biufc"
_LARGEST_ITEM = {"c": 16}  # of an array, in bytes; 8 for other kinds
_HEADER = struct.Struct("<I")
_to_json = json.JSONEncoder(separators=(",", ":")).encode
_ODD = struct.error, LookupError, TypeError, ArithmeticError, RuntimeError, SyntaxError, MemoryError

Frame = bytes | bytearray
ToHandle = Callable[[Any], dict[str, Any]]
FromHandle = Callable[[dict[str, Any]], Any]


def pack(value: Any, to_handle: ToHandle) -> bytes:
    """Return `value` as a frame; `to_handle` describes each object that cannot travel.

    Raises
    ------
    ValueError
        If the value is too large, too deep, or holds something without a wire form.
    """
    packer = _Packer(to_handle)
    header = _to_json(packer.encode(value, 0)).encode()
    if len(header) > MAX_HEADER:
        raise ValueError(f"a text of {len(header):,} bytes is too long; at most {MAX_HEADER:,}")
    frame = b"".join([_HEADER.pack(len(header)), header, *packer.blobs])
    if len(frame) > MAX_BYTES:
        raise ValueError(f"the value takes {len(frame):,} bytes; at most {MAX_BYTES:,} can be sent")
    return frame


def unpack(frame: Frame, from_handle: FromHandle) -> Any:
    """Return the value in `frame`; `from_handle` turns each handle's description into an object.

    Raises
    ------
    ValueError
        If the frame is not exactly one that `pack` could have made.
    """
    try:
        (size,) = _HEADER.unpack_from(frame)
        if _HEADER.size + size > len(frame) or size > MAX_HEADER:
            raise ValueError("the header is longer than the frame, or than any may be")
        text = frame[_HEADER.size : _HEADER.size + size]
        if text.count(b"[") + text.count(b"{") > 2 * MAX_NODES:  # before they take memory
            raise ValueError("too many parts")
        header = json.loads(text.decode())
        decoder = _Unpacker(memoryview(frame)[_HEADER.size + size :], from_handle)
        value = decoder.decode(header, 0)
        if decoder.rest:
            raise ValueError("the frame holds bytes that no value uses")
        return value
    except _ODD as bad:
        raise ValueError(f"not a frame: {str(bad)[:MAX_REASON]}") from None


def _float(value: Real | Decimal | float) -> float | dict[str, Any]:
    number = float(value)
    return number if math.isfinite(number) else {"is": "float", "v": repr(number)}


class _Packer:
    def __init__(self, to_handle: ToHandle) -> None:
        self.to_handle = to_handle
        self.blobs: list[bytes] = []
        self.nodes = 0
        self.bytes = 0
        self.tensors = 0

    def encode(self, value: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ValueError("the value has too many parts, or is nested too deeply, to be sent")
        kind = type(value)
        if kind is str:  # most parts are one of these, and asking for all others takes long
            self._reserve(len(value))
            return value
        if value is None or kind is bool or kind is int:
            return value
        if kind is float:
            return _float(value)
        if kind is torch.Tensor:
            return self._tensor(value)
        if kind is list:
            return [self.encode(part, depth + 1) for part in value]
        if isinstance(value, np.generic) and not isinstance(value, np.longdouble):
            value = value.item()
        if isinstance(value, bool):
            return value
        if isinstance(value, str):
            self._reserve(len(value))
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return _float(value)
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray) and value.dtype.kind in _ARRAY_KINDS:
            return self._array(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            parts = [self.encode(part, depth + 1) for part in value]
            if isinstance(value, list):
                return parts
            return {"is": "tuple" if isinstance(value, tuple) else "set", "v": parts}
        if isinstance(value, dict):
            return {
                "is": "dict",
                "v": [
                    [self.encode(key, depth + 1), self.encode(part, depth + 1)]
                    for key, part in value.items()
                ],
            }
        if isinstance(value, (Real, Decimal)):  # last, since asking takes long
            return _float(value)
        return {"is": "handle", **self.to_handle(value)}

    def _tensor(self, value: torch.Tensor) -> dict[str, Any]:
        name = _DTYPE_NAMES.get(value.dtype)
        if name is None or value.layout != torch.strided or value.is_meta:
            raise ValueError(f"a {value.layout} tensor of {value.dtype} cannot be sent")
        self._reserve(value.numel() * value.element_size(), tensors=1)
        plain = value.detach()
        if plain.dtype == torch.bfloat16:  # numpy has none
            plain = plain.view(torch.int16)
        # By numpy, which minds strides, even of one number alone, and resolves lazy conjugates.
        self.blobs.append(plain.numpy(force=True).tobytes())
        return {"is": "tensor", "dtype": name, "shape": list(value.shape)}

    def _array(self, value: np.ndarray[Any, Any]) -> dict[str, Any]:
        self._reserve(value.size * value.itemsize, tensors=1)
        kind = value.dtype.newbyteorder("<")
        if value.dtype.itemsize > _LARGEST_ITEM.get(kind.kind, 8):  # "long" ones differ by machine
            kind = np.dtype("<c16" if kind.kind == "c" else "<f8")
        plain = np.ascontiguousarray(value, kind)
        self.blobs.append(plain.tobytes())
        return {"is": "array", "dtype": plain.dtype.str, "shape": list(value.shape)}

    def _reserve(self, size: int, tensors: int = 0) -> None:
        # Before any copy: an expanded tensor of one number may claim terabytes.
        self.bytes += size
        self.tensors += tensors
        if self.tensors > MAX_TENSORS:
            raise ValueError(f"the value has too many tensors to be sent; at most {MAX_TENSORS:,}")
        if self.bytes > MAX_BYTES:
            raise ValueError(
                f"the value takes {self.bytes:,} bytes; at most {MAX_BYTES:,} can be sent"
            )


class _Unpacker:
    def __init__(self, rest: memoryview, from_handle: FromHandle) -> None:
        self.rest = rest
        self.from_handle = from_handle
        self.nodes = 0
        self.tensors = 0
        self.long = 0

    def decode(self, item: Any, depth: int) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES or depth > MAX_DEPTH:
            raise ValueError("too many parts, or nested too deeply")
        if isinstance(item, list):
            return [self.decode(part, depth + 1) for part in item]
        if type(item) is int and item.bit_length() > 60:
            self.long += 1
            if self.long > MAX_ALIKE:
                raise ValueError("too many long integers")
        if not isinstance(item, dict):
            return item
        kind = item["is"]
        if kind == "float":
            return {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}[item["v"]]
        if kind == "tuple":
            return tuple(self.decode(part, depth + 1) for part in item["v"])
        if kind == "set":
            return set(_keys([self.decode(part, depth + 1) for part in item["v"]]))
        if kind == "dict":
            pairs = [(self.decode(k, depth + 1), self.decode(v, depth + 1)) for k, v in item["v"]]
            _keys([key for key, _ in pairs])
            return dict(pairs)
        if kind == "tensor":
            dtype = _DTYPES[item["dtype"]]
            shape, raw = self._take(item["shape"], dtype.itemsize)
            flat = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
            return flat.reshape(shape)
        if kind == "array":
            if len(item["dtype"]) > 8:  # numpy reads long ones slowly
                raise ValueError("no such dtype")
            array_dtype = np.dtype(str(item["dtype"]))
            if array_dtype.kind not in _ARRAY_KINDS or array_dtype.itemsize > _LARGEST_ITEM.get(
                array_dtype.kind, 8
            ):
                raise ValueError(f"arrays of {array_dtype} do not travel")
            shape, raw = self._take(item["shape"], array_dtype.itemsize)
            return np.frombuffer(raw, dtype=array_dtype).reshape(shape)
        if kind == "handle":
            return self.from_handle(item)
        raise ValueError("unknown kind of value")

    def _take(self, shape: Any, itemsize: int) -> tuple[list[int], bytearray]:
        self.tensors += 1
        if self.tensors > MAX_TENSORS:
            raise ValueError("too many tensors")
        if not isinstance(shape, list) or len(shape) > MAX_DEPTH:
            raise ValueError("a shape is a short list")
        if not all(type(n) is int and 0 <= n <= MAX_BYTES for n in shape):
            raise ValueError("a shape holds counts")
        size = math.prod(shape) * itemsize
        if size > len(self.rest):
            raise ValueError("a tensor is larger than its bytes")
        # A copy, so that a tensor owns writable memory of its own.
        raw, self.rest = bytearray(self.rest[:size]), self.rest[size:]
        return shape, raw


def _keys(values: list[Any]) -> list[Any]:
    """Return `values`, which are to be the members of a set or the keys of a dict."""
    if len(values) > MAX_ALIKE and max(Counter(map(hash, values)).values()) > MAX_ALIKE:
        raise ValueError("too many keys of one hash")
    return values
