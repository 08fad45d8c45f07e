"""What a model class says about its XML element, worked out once: a tree of nodes that reader and writer walk.

A node is one element as seen from the class that it belongs to: the class's own element at the root, and below it
every element that only fields of that class speak of (`driver/@cache` makes a node `driver`). An element that has a
class of its own is a `Nested`, an application's elements are an `Opaque`, what is kept as it is a `Kept`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from functools import cache, reduce
from operator import or_
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin, get_type_hints

from .binding import At, Codec, Datatype, ElementCodec, ScaledCodec, Subtree, Verbatim
from .values import TEXT, UNSIGNED


class Refused(ValueError):
    """A value that libvirt knows and virtactor does not do."""


@dataclass(slots=True)
class Slot:
    """One field: how its text is read and written, and whether it collects several.

    A `scaled` one's unit is in another attribute of the element; `scaled` reads and writes the two. `text` is what
    texts it takes, in the words of the published schemas; `known` those that are refused as unsupported.
    """

    name: str
    read: Callable[[str], Any]
    write: Callable[[Any], str]
    expects: str
    secure: bool = False
    many: bool = False
    scaled: ScaledCodec | None = None
    code: int | None = None
    text: Datatype | None = None
    known: tuple[str, ...] = ()


@dataclass(slots=True)
class Node:
    """One element. `children` and `attributes` are in the order of writing.

    `units` are the attributes that give other attributes' units. `present` is the field that the element's mere
    presence sets, `bare` what attributes are taken to say that are not there; `sized` the field that the whole element
    stands for.
    """

    attributes: dict[str, Slot] = field(default_factory=dict)
    children: dict[str, Node | Nested | Opaque | Kept] = field(default_factory=dict)
    text: Slot | None = None
    present: str | None = None
    bare: tuple[tuple[str, str], ...] = ()
    sized: tuple[str, ElementCodec] | None = None
    units: tuple[str, ...] = ()
    repeats: str | None = None

    @property
    def many(self) -> bool:
        """Whether the element may come more than once."""
        return self.repeats is not None


@dataclass(slots=True)
class Nested:
    """A child element that has its own class, or one of several told apart by the attribute `by`."""

    name: str
    many: bool
    shapes: dict[str | None, Shape]
    by: str | None = None
    known: tuple[str, ...] = ()


@dataclass(slots=True)
class Opaque:
    """A child element whose children belong to applications."""

    name: str
    many: ClassVar[bool] = False


@dataclass(slots=True)
class Kept:
    """A child element that is kept as it is. `like` gives the class that says what it may have, `part` the element of
    that class which does instead."""

    name: str
    like: Callable[[], type]
    part: str | None
    many: ClassVar[bool] = False

    def pattern(self) -> tuple[str, Shape | Node]:
        """What the element may have, with a name for it."""
        shape = shape_of(self.like())
        if self.part is None:
            return shape.cls.__name__, shape
        node = shape.node.children[self.part]
        assert isinstance(node, Node)
        return shape.cls.__name__ + self.part.capitalize(), node


@dataclass(slots=True)
class Shape:
    """A class with its element's node; `required` maps its fields without default to where they stand."""

    cls: type
    tag: str | None
    node: Node
    required: dict[str, At]
    collected: tuple[str, ...]


@cache
def shape_of(cls: type) -> Shape:
    """The shape of a model class. Raises TypeError for a class that breaks the rules of `binding`."""
    hints = get_type_hints(cls, include_extras=True)
    node = Node()
    required: dict[str, At] = {}
    collected: list[str] = []
    bound = [(each, *_binding(cls, each.name, hints[each.name])) for each in fields(cls)]
    for each, type_, at in sorted(bound, key=lambda item: item[2].last):
        _place(node, each.name, type_, at)
        if each.default is MISSING and each.default_factory is MISSING:
            required[each.name] = at
        if get_origin(type_) is tuple:
            collected.append(each.name)
    return Shape(cls, getattr(cls, "TAG", None), node, required, tuple(collected))


def _binding(cls: type, name: str, hint: Any) -> tuple[Any, At]:
    if get_origin(hint) is Annotated:
        type_, *extras = get_args(hint)
        for extra in extras:
            if isinstance(extra, At):
                return _without_none(type_), extra
    raise TypeError(f"{cls.__name__}.{name} does not say where it stands")


def _without_none(type_: Any) -> Any:
    if get_origin(type_) in (Union, UnionType):
        rest = tuple(arm for arm in get_args(type_) if arm is not NoneType)
        return reduce(or_, rest)
    return type_


def _place(root: Node, name: str, type_: Any, at: At) -> None:
    """Put one field into the tree."""
    many = get_origin(type_) is tuple
    item = get_args(type_)[0] if many else type_
    *parents, last = at.path.split("/")
    if last.startswith("@"):
        node = _descend(root, parents)
        node.attributes[last[1:]] = _slot(name, item, at, many)
        if at.bare is not None:
            node.bare += ((last[1:], at.bare),)
        if isinstance(at.codec, ScaledCodec):
            node.units += (at.codec.unit,)
        if many:
            node.repeats = name
    elif item is Subtree:
        if at.like is None:
            raise TypeError(f"{name}: a Subtree is like something")
        _descend(root, parents).children[last] = Kept(name, at.like, at.part)
    elif item is Verbatim:
        _descend(root, parents).children[last] = Opaque(name)
    elif _classes(item):
        _descend(root, parents).children[last] = _nested(name, item, at, many)
    else:
        _place_text(_descend(root, parents if last == "." else [*parents, last]), name, item, at, many)


def _place_text(node: Node, name: str, item: Any, at: At, many: bool) -> None:
    if isinstance(at.codec, ElementCodec):
        node.sized = (name, at.codec)
    elif item is bool and at.codec is None:
        node.present = name
    else:
        node.text = _slot(name, item, at, many)
        if many:
            node.repeats = name


def _descend(node: Node, path: list[str]) -> Node:
    for tag in path:
        child = node.children.setdefault(tag, Node())
        if not isinstance(child, Node):
            raise TypeError(f"element {tag} has a class of its own, and another field reaches into it")
        node = child
    return node


def _classes(item: Any) -> tuple[type, ...]:
    arms = get_args(item) if get_origin(item) in (Union, UnionType) else (item,)
    return tuple(arm for arm in arms if hasattr(arm, "__dataclass_fields__"))


def _nested(name: str, item: Any, at: At, many: bool) -> Nested:
    shapes = [shape_of(cls) for cls in _classes(item)]
    if (at.by is None) != (len(shapes) == 1):
        raise TypeError(f"{name}: `by` is for a union of classes")
    return Nested(name, many, {shape.tag if at.by else None: shape for shape in shapes}, at.by, at.known)


def _slot(name: str, item: Any, at: At, many: bool) -> Slot:
    if get_origin(item) is Literal:
        return Slot(
            name,
            *_choice(get_args(item), at.known),
            secure=at.secure,
            many=many,
            code=at.code,
            text=Datatype(values=get_args(item)),
            known=at.known,
        )
    if isinstance(at.codec, ScaledCodec):
        return Slot(name, TEXT.read, str, at.codec.expects, at.secure, scaled=at.codec, text=at.codec.text)
    codec = at.codec or {int: UNSIGNED, str: TEXT}[item]
    if not isinstance(codec, Codec):
        raise TypeError(f"{name}: an attribute takes no element codec")
    read = _with_known(codec.read, at.known) if at.known else codec.read
    return Slot(name, read, codec.write, codec.expects, at.secure, many, code=at.code, text=codec.text, known=at.known)


def _choice(values: tuple[str, ...], known: tuple[str, ...]) -> tuple[Any, Any, str]:
    table = {value: value for value in values}

    def read(text: str) -> str:
        try:
            return table[text]
        except KeyError:
            raise ValueError(text) from None

    return _with_known(read, known), str, "one of " + ", ".join(repr(value) for value in values)


def _with_known(read: Callable[[str], Any], known: tuple[str, ...]) -> Callable[[str], Any]:
    def read_known(text: str) -> Any:
        if text in known:
            raise Refused(text)
        return read(text)

    return read_known
