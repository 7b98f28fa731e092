"""`dataclass` for frozen, slotted values: as the standard library's, in a tenth of its time.

The standard library compiles the text of six functions for each class, which takes 0.9 ms. A
command loads some 160 classes and creates values of a third of them: that was a fifth of what
`limbeck generate` computes beside the import of the models. Here `__init__` is compiled when a
class creates its first value, and the other functions are shared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from operator import attrgetter
from types import FunctionType
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


class _Factory:
    """The default of a parameter whose value a factory makes; shown as the standard library's."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def dataclass(*, frozen: bool, slots: bool, kw_only: bool = False) -> Callable[[type[T]], type[T]]:
    """Return a decorator as `dataclasses.dataclass` does; `fields`, `replace` and all others work.

    Args:
        frozen: as there; other classes are the standard library's.
        slots: as there.
        kw_only: as there.

    """

    def decorate(cls: type[T]) -> type[T]:
        # A frozen base requires it, and two functions that the next lines replace.
        derived = any(dataclasses.is_dataclass(base) for base in cls.__mro__[1:])
        create = dataclasses.dataclass(
            init=False,
            repr=False,
            eq=False,
            frozen=frozen and derived,
            slots=slots,
            kw_only=kw_only,
        )
        value: Any = create(cls)
        params = value.__dataclass_params__
        params.init = params.repr = params.eq = params.frozen = True
        for name, function in _functions(value):
            if cls.__dict__.get(name) is None:  # `__hash__` is None where a class has an `__eq__`
                setattr(value, name, function)
        return value  # type: ignore[no-any-return]

    return decorate


class _Init:
    """The `__init__` of a class until it is called or inspected: then compiled."""

    __slots__ = ("cls",)

    def __init__(self, cls: Any) -> None:
        self.cls = cls

    def __get__(self, value: object, owner: type) -> Any:
        self.cls.__init__ = _init(self.cls)
        return self.cls.__init__.__get__(value, owner)


def _functions(cls: Any) -> Iterable[tuple[str, Any]]:
    compared = [each.name for each in dataclasses.fields(cls) if each.compare]
    shown = [each.name for each in dataclasses.fields(cls) if each.repr]
    # Of a single name, `attrgetter` would return the bare value, whose `==` may return anything.
    key = attrgetter(*compared * (1 + (len(compared) == 1))) if compared else _nothing

    def equal(self: Any, other: object) -> bool:
        return key(self) == key(other) if other.__class__ is self.__class__ else NotImplemented

    def hashed(self: Any) -> int:
        return hash(key(self))

    def represented(self: Any) -> str:
        values = ", ".join([f"{name}={getattr(self, name)!r}" for name in shown])
        return f"{self.__class__.__qualname__}({values})"

    yield "__init__", _Init(cls)
    yield "__eq__", equal
    yield "__hash__", hashed
    yield "__repr__", represented
    yield "__setattr__", _refuse_to_set
    yield "__delattr__", _refuse_to_delete
    yield "__getstate__", _state
    yield "__setstate__", _restore


def _init(cls: Any) -> FunctionType:
    """Compile the `__init__` of a class: it takes a value for each field, or its default."""
    names: dict[str, Any] = {"_set_": object.__setattr__, "_FACTORY_": _FACTORY}
    plain, keywords, body = ["self"], ["*"], []
    for field in dataclasses.fields(cls):
        parameter, value = _parameter(field, names)
        if field.init:
            (keywords if field.kw_only else plain).append(parameter)
        if value:
            body.append(f"_set_(self, {field.name!r}, {value})")
    if hasattr(cls, "__post_init__"):
        body.append("self.__post_init__()")
    parameters = plain + (keywords if keywords[1:] else [])
    text = f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(body or ["pass"])
    exec(text, names)  # noqa: S102 - as the standard library does
    function: FunctionType = names["__init__"]
    function.__qualname__, function.__module__ = f"{cls.__qualname__}.__init__", cls.__module__
    types = {each.name: each.type for each in dataclasses.fields(cls) if each.init}
    function.__annotations__ = {**types, "return": None}
    return function


def _parameter(field: dataclasses.Field[Any], names: dict[str, Any]) -> tuple[str, str]:
    """Return a field's parameter, and the expression of its value; "" leaves it without one."""
    name = field.name
    if field.default_factory is not dataclasses.MISSING:
        names[f"_new_{name}_"] = field.default_factory
        value = f"_new_{name}_()"
        return (
            f"{name}=_FACTORY_",
            f"{value} if {name} is _FACTORY_ else {name}" if field.init else value,
        )
    if field.default is not dataclasses.MISSING:
        names[f"_default_{name}_"] = field.default
        return f"{name}=_default_{name}_", name if field.init else f"_default_{name}_"
    return name, name if field.init else ""


def _nothing(_: object) -> tuple[()]:
    return ()


def _refuse_to_set(_: object, name: str, __: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _restore(self: Any, state: Iterable[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
