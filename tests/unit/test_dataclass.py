"""`limbeck.dataclass` makes what the standard library's makes, compiled when needed."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from limbeck.dataclass import dataclass

VALUES: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (("a",), {}),
    (("a", 2), {"words": ["w"], "note": "n"}),
    ((), {"name": 1.5}),
]


def classes(decorate: Callable[..., Any]) -> tuple[type[Any], ...]:
    """Return classes with every kind of field, decorated by one of both."""

    @decorate(frozen=True, slots=True)
    class Value:
        name: Any
        size: int = 1
        words: list[str] = dataclasses.field(default_factory=list, compare=False)
        note: str = dataclasses.field(default="", repr=False, kw_only=True)
        seen: dict[str, int] = dataclasses.field(default_factory=dict, init=False, compare=False)
        length: int = dataclasses.field(init=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "length", self.size * 2)

    @decorate(frozen=True, slots=True, kw_only=True)
    class Keywords(Value):  # type: ignore[misc, valid-type]
        more: int = 0

        def __hash__(self) -> int:
            return 7

    @decorate(frozen=True, slots=True)
    class Empty:
        pass

    @decorate(slots=True)
    class Mutable:
        name: Any
        size: int = 0
        note: str = ""

    @decorate(frozen=True)
    class Dynamic:
        name: Any
        size: int = 0
        note: str = ""

    return Value, Keywords, Empty, Mutable, Dynamic


OWN, STANDARD = classes(dataclass), classes(dataclasses.dataclass)
Value = OWN[0]


@pytest.mark.parametrize(("own", "standard"), [*zip(OWN, STANDARD, strict=True)])
def test_a_class_is_as_that_of_the_standard_library(own: type[Any], standard: type[Any]) -> None:
    assert str(inspect.signature(own)) == str(inspect.signature(standard))
    assert vars(own).get("__slots__") == vars(standard).get("__slots__")
    assert own.__match_args__ == standard.__match_args__  # type: ignore[attr-defined]
    assert repr(own.__dataclass_params__) == repr(standard.__dataclass_params__)  # type: ignore[attr-defined]
    names = [(each.name, each.type, each.init) for each in dataclasses.fields(own)]
    assert names == [(each.name, each.type, each.init) for each in dataclasses.fields(standard)]


@pytest.mark.parametrize(("plain", "named"), VALUES)
@pytest.mark.parametrize("index", [0, 1])
def test_a_value_is_as_that_of_the_standard_library(
    index: int, plain: tuple[Any, ...], named: dict[str, Any]
) -> None:
    value, standard = OWN[index](*plain, **named), STANDARD[index](*plain, **named)
    assert repr(value) == repr(standard)
    assert hash(value) == hash(standard)
    assert dataclasses.asdict(value) == dataclasses.asdict(standard)
    for other in (OWN[index]("a"), OWN[index]("b"), OWN[1]("a"), OWN[index](*plain, **named)):
        counterpart = STANDARD[OWN.index(type(other))](other.name, other.size, note=other.note)
        assert (value == other) == (standard == counterpart)
    changed = dataclasses.replace(value, size=9)
    assert repr(changed) == repr(dataclasses.replace(standard, size=9))


@pytest.mark.parametrize("index", [3, 4])
def test_a_class_need_be_neither_frozen_nor_slotted(index: int) -> None:
    value, standard = OWN[index]("a", note="n"), STANDARD[index]("a", note="n")
    assert repr(value) == repr(standard)
    assert value == OWN[index]("a", 0, "n") != OWN[index]("a", 1, "n")
    assert value != standard
    assert (type(value).__hash__ is None) == (type(standard).__hash__ is None)
    assert hasattr(value, "__dict__") == hasattr(standard, "__dict__")
    if index == 3:
        value.size = 3
        assert copy.copy(value) == dataclasses.replace(value) == OWN[index]("a", 3, "n")


def test_a_value_is_frozen_and_can_be_copied() -> None:
    value = Value("a", words=["w"])
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'size'"):
        value.size = 3
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'size'"):
        del value.size
    copied = copy.deepcopy(value)
    assert copied == value
    assert copied.words is not value.words


def test_a_wrong_call_names_the_class_and_the_argument() -> None:
    with pytest.raises(TypeError, match=r"Value\.__init__\(\) missing 1 .* argument: 'name'"):
        Value()
    assert OWN[2]() == OWN[2]()
    assert hash(OWN[2]()) == hash(())


@dataclass(frozen=True, slots=True)
class Pickled:
    """A value of a module, which pickle finds by its name."""

    item: object


def test_a_value_can_be_pickled() -> None:
    assert pickle.loads(pickle.dumps(Pickled(("a", 1)))) == Pickled(("a", 1))  # noqa: S301 - our own
    assert hash(Pickled("a")) != hash(Pickled("b"))


def test_a_class_compiles_nothing_before_its_first_value() -> None:
    @dataclass(frozen=True, slots=True)
    class Late:
        item: int

    def compiled() -> list[str]:
        names = ("__init__", "__eq__", "__hash__")
        return [name for name in names if inspect.isfunction(vars(Late)[name])]

    assert compiled() == []
    value = Late(1)
    assert compiled() == ["__init__"]
    assert value != Late(2)
    assert compiled() == ["__init__", "__eq__"]
    assert vars(Late)["__repr__"].__code__ is vars(Pickled)["__repr__"].__code__
