"""Trees in virsh's shape: a child below its parent, joined to it by lines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def tree_lines(parents: Mapping[str, str | None]) -> Iterator[str]:
    """The lines of the trees that ``parents`` (a name's parent's name, None of a root) make, in its order.

    One whose parent is not there is a root.
    """
    children: dict[str | None, list[str]] = {}
    for name, parent in parents.items():
        children.setdefault(parent if parent in parents else None, []).append(name)
    for root in children.get(None, ()):
        yield root
        yield from _below(root, children, "", is_last=True)


def _below(name: str, children: Mapping[str | None, Sequence[str]], indent: str, is_last: bool) -> Iterator[str]:
    mine = children.get(name, ())
    if not mine:
        if is_last:
            yield indent
        return
    yield f"{indent}  |"
    for number, child in enumerate(mine):
        last = number == len(mine) - 1
        yield f"{indent}  +- {child}"
        yield from _below(child, children, f"{indent}  {' ' if last else '|'} ", last)
