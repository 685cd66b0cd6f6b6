"""How numpy and pandas objects are written for `stable_digest`: type, shape and content.

Nothing here imports either library: a value of theirs proves that it is loaded.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from prefect._base.hashing import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable

    Write = Callable[[Encoder, Any], None]

_FLAT = "biufcmMSU"  # kinds of dtype whose bytes are their content


def writer_of_array(value: Any) -> Write | None:
    """How to write a value of numpy or pandas; None for any other."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and hasattr(numpy, "ndarray"):  # not while it is being imported
        if isinstance(value, numpy.ndarray):
            return _masked if isinstance(value, numpy.ma.MaskedArray) else _ndarray
        if isinstance(value, numpy.generic):
            return _scalar
        if isinstance(value, numpy.dtype):
            return _dtype
    pandas = sys.modules.get("pandas")
    if pandas is not None and hasattr(pandas, "DataFrame"):
        return _pandas_writer(pandas, value)
    return None


def _pandas_writer(pandas: Any, value: Any) -> Write | None:
    if isinstance(value, pandas.DataFrame):
        return _frame
    if isinstance(value, pandas.Series):
        return _series
    if isinstance(value, pandas.Index):
        return _index
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        return _extension_array
    if isinstance(value, (pandas.Timestamp, pandas.Timedelta)):
        return _timestamp
    if isinstance(value, pandas.api.extensions.ExtensionDtype):
        return _dtype
    return _missing if value is pandas.NA or value is pandas.NaT else None


def _kind(encoder: Encoder, value: Any, *texts: str) -> None:
    encoder.tag(type(value).__module__.partition(".")[0], type(value).__qualname__, *texts)


def _dtype(encoder: Encoder, value: Any) -> None:
    _kind(encoder, value, _dtype_text(value))


def _dtype_text(dtype: Any) -> str:
    """A dtype as text: numpy's with its byte order or its fields, pandas' with its parameters."""
    if not isinstance(dtype, sys.modules["numpy"].dtype) or dtype.kind == "T":
        return str(dtype)
    return repr(dtype.descr) if dtype.fields else dtype.str


def _scalar(encoder: Encoder, value: Any) -> None:
    _kind(encoder, value, _dtype_text(value.dtype))
    _content(encoder, sys.modules["numpy"].asarray(value))


def _ndarray(encoder: Encoder, value: Any) -> None:
    numpy = sys.modules["numpy"]
    plain = value.view(numpy.ndarray)
    _kind(encoder, value, _dtype_text(value.dtype), repr(value.shape))
    _content(encoder, plain)
    if not type(value).__module__.startswith("numpy"):  # a subclass may carry more, such as units
        encoder.named(dict(getattr(value, "__dict__", ())), ".%s")


def _masked(encoder: Encoder, value: Any) -> None:
    numpy = sys.modules["numpy"]
    _kind(encoder, value, _dtype_text(value.dtype), repr(value.shape))
    encoder.part(".mask", numpy.ma.getmaskarray(value))
    encoder.part(".data", value.filled(numpy.zeros((), value.dtype)))  # what the mask hides does not count
    encoder.part(".fill_value", value.fill_value)


def _content(encoder: Encoder, array: Any) -> None:
    """The items of a plain array, in the order of its indices."""
    dtype = array.dtype
    if dtype.fields:  # the bytes between fields are anything
        for name in sorted(dtype.fields):
            encoder.part(f"[{name!r}]", array[name])
    elif dtype.hasobject or dtype.kind not in _FLAT:
        encoder.write(array.ravel().tolist())
    elif dtype.kind in "fc" and dtype.itemsize > (
        8 if dtype.kind == "f" else 16
    ):  # so are those of long doubles
        encoder.write([str(item) for item in array.ravel()])
    else:
        numpy = sys.modules["numpy"]
        encoder.buffer(numpy.ascontiguousarray(array).reshape(-1).view(numpy.uint8))


def _series(encoder: Encoder, value: Any) -> None:
    _kind(encoder, value)
    encoder.part(".name", value.name)
    encoder.part(".index", value.index)
    encoder.part(".attrs", value.attrs)
    _values(encoder, value)


def _frame(encoder: Encoder, value: Any) -> None:
    _kind(encoder, value, repr(value.shape))
    encoder.part(".columns", value.columns)
    encoder.part(".index", value.index)
    encoder.part(".attrs", value.attrs)
    if not type(value).__module__.startswith("pandas"):  # a subclass names what else it carries
        encoder.named({name: getattr(value, name, None) for name in value._metadata}, ".%s")
    for position, name in enumerate(value.columns):
        encoder.path.append(f"[{name!r}]")
        _values(encoder, value.iloc[:, position])
        encoder.path.pop()


def _index(encoder: Encoder, value: Any) -> None:
    pandas = sys.modules["pandas"]
    _kind(encoder, value)
    encoder.part(".names", list(value.names))
    if isinstance(value, pandas.MultiIndex):
        encoder.part(".codes", [pandas.Index(codes) for codes in value.codes])
        encoder.part(".levels", list(value.levels))
    elif isinstance(value, pandas.RangeIndex):
        encoder.write((value.start, value.stop, value.step))
    else:
        _values(encoder, value)


def _values(encoder: Encoder, value: Any) -> None:
    """The values of a Series or an Index, as the array that they are."""
    encoder.write(value.to_numpy() if isinstance(value.dtype, sys.modules["numpy"].dtype) else value.array)


def _extension_array(encoder: Encoder, value: Any) -> None:
    """An array of pandas' own: what kind, which items are missing, and the items."""
    numpy, pandas = sys.modules["numpy"], sys.modules["pandas"]
    dtype = value.dtype
    _kind(encoder, value, _dtype_text(dtype))
    if isinstance(dtype, pandas.CategoricalDtype):
        encoder.write((bool(value.ordered), len(value)))
        encoder.part(".categories", value.categories)
        encoder.part(".codes", value.codes)
        return
    missing = numpy.asarray(value.isna())
    encoder.write(missing)
    number = getattr(dtype, "numpy_dtype", None)
    if isinstance(dtype, pandas.DatetimeTZDtype):
        encoder.write(value.tz_convert("UTC").tz_localize(None).to_numpy())
    elif number is not None and number.kind in "biufmM" and not isinstance(dtype, pandas.PeriodDtype):
        encoder.write(value.to_numpy(dtype=number, na_value=number.type(0)))
    else:
        items = value.to_numpy(dtype=object, na_value=None) if missing.any() else value.to_numpy(dtype=object)
        encoder.write(items.tolist())


def _timestamp(encoder: Encoder, value: Any) -> None:
    zone = getattr(value, "tzinfo", None)
    _kind(encoder, value, str(value.unit), str(zone))
    encoder.write((int(value.asm8.view("i8")), getattr(value, "fold", 0)))


def _missing(encoder: Encoder, value: Any) -> None:
    encoder.tag("pandas", repr(value))
