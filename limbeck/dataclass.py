"""`dataclass` as the standard library's, in a tenth of its time.

The standard library compiles the text of six functions for each class, which takes 0.9 ms. A
command loads some 160 classes and creates values of a third of them: that was a fifth of what
`limbeck generate` computes beside the import of the models. Here a function is compiled
when it is first called, and the three that only refuse or show are shared.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from types import FunctionType
from typing import Any, NoReturn, TypeVar, dataclass_transform

T = TypeVar("T")


class _Factory:
    """The default of a parameter whose value a factory makes; shown as the standard library's."""

    def __repr__(self) -> str:
        return "<factory>"


_FACTORY = _Factory()


@dataclass_transform(field_specifiers=(dataclasses.field,))
def dataclass(
    *, frozen: bool = False, slots: bool = False, kw_only: bool = False
) -> Callable[[type[T]], type[T]]:
    """Return a decorator as `dataclasses.dataclass` does; `fields`, `replace` and all others work.

    Args:
        frozen: as there.
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
        params.init = params.repr = params.eq = True
        params.frozen = frozen
        functions = _FROZEN | (_PICKLED if slots else {}) if frozen else {"__hash__": None}
        for name, function in {**_functions(value), **functions}.items():
            if cls.__dict__.get(name) is None:  # `__hash__` is None where a class has an `__eq__`
                setattr(value, name, function)
        return value  # type: ignore[no-any-return]

    return decorate


class _Compiled:
    """A function of a class, which is compiled when it is first called or inspected."""

    __slots__ = ("cls", "name", "text")

    def __init__(self, cls: Any, name: str, text: Callable[[Any, dict[str, Any]], str]) -> None:
        self.cls, self.name, self.text = cls, name, text

    def __get__(self, value: object, owner: type) -> Any:
        names: dict[str, Any] = {}
        exec(self.text(self.cls, names), names)  # noqa: S102 - as the standard library does
        function: FunctionType = names[self.name]
        function.__qualname__ = f"{self.cls.__qualname__}.{self.name}"
        function.__module__ = self.cls.__module__
        if self.name == "__init__":
            types = {each.name: each.type for each in dataclasses.fields(self.cls) if each.init}
            function.__annotations__ = {**types, "return": None}
        setattr(self.cls, self.name, function)
        return function.__get__(value, owner)


def _functions(cls: Any) -> dict[str, Any]:
    shown = [each.name for each in dataclasses.fields(cls) if each.repr]

    def represented(self: Any) -> str:
        values = ", ".join([f"{name}={getattr(self, name)!r}" for name in shown])
        return f"{self.__class__.__qualname__}({values})"

    texts = {"__init__": _init, "__eq__": _equal, "__hash__": _hash}
    compiled = {name: _Compiled(cls, name, text) for name, text in texts.items()}
    return {**compiled, "__repr__": represented}


def _init(cls: Any, names: dict[str, Any]) -> str:
    """Return the text of `__init__`: it takes a value for each field, or its default."""
    names |= {"_set_": object.__setattr__, "_FACTORY_": _FACTORY}
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
    return f"def __init__({', '.join(parameters)}):\n  " + "\n  ".join(body or ["pass"])


def _equal(cls: Any, _: dict[str, Any]) -> str:
    compared = [each.name for each in dataclasses.fields(cls) if each.compare]
    equal = " and ".join(f"self.{name} == other.{name}" for name in compared) or "True"
    return (
        "def __eq__(self, other):\n"
        f"  return ({equal}) if other.__class__ is self.__class__ else NotImplemented"
    )


def _hash(cls: Any, _: dict[str, Any]) -> str:
    compared = [f"self.{each.name}, " for each in dataclasses.fields(cls) if each.compare]
    return f"def __hash__(self):\n  return hash(({''.join(compared)}))"


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


def _refuse_to_set(_: object, name: str, __: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _restore(self: Any, state: Iterable[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)


_FROZEN = {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
_PICKLED = {"__getstate__": _state, "__setstate__": _restore}
