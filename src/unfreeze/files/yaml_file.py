"""YAML files of users: read safely and within bounds, and able to say on which line a value stands."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError

from unfreeze.errors import InputError

__all__ = ["MAX_BYTES", "LinedDocument", "read_text", "read_yaml"]

MAX_BYTES = 16 * 2**20
"""A list of targets is never this long; a trajectory given by mistake is."""


class _Loader(yaml.SafeLoader):
    """Plain values only; no key twice, and no aliases, which can make a short file a vast document."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise ComposerError(None, None, "aliases (*name) are not read", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                message = f"the key {key_node.value!r} is not text; put it in quotes"
                raise ConstructorError(None, None, message, key_node.start_mark)
            if key in seen:
                message = f"the key {key!r} is there twice"
                raise ConstructorError(None, None, message, key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


@dataclass(frozen=True)
class LinedDocument:
    """A YAML document.

    Attributes
    ----------
    path
        The file.
    data
        What it holds, as Python's own types.
    node
        Its tree, which knows the lines.
    """

    path: Path
    data: Any
    node: yaml.Node | None

    def at(self, *keys: str | int) -> str:
        """Words for the place of a value: file, line and keys, as far as they are there."""
        node, line = self.node, self.node.start_mark.line + 1 if self.node else 1
        for key in keys:
            if isinstance(node, yaml.MappingNode):
                found = [(name, value) for name, value in node.value if name.value == key]
                if not found:
                    break
                line, node = found[0][0].start_mark.line + 1, found[0][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
                node = node.value[key]
                line = node.start_mark.line + 1
            else:
                break
        place = ".".join(str(key + 1) if isinstance(key, int) else key for key in keys)
        return f"{self.path}, line {line}{', ' if place else ''}{place}"


def read_text(path: Path) -> str:
    """A text file of bounded size.

    Raises
    ------
    InputError
        If it cannot be read, is too large or is not UTF-8.
    """
    try:
        with open(path, "rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if len(content) > MAX_BYTES:
        raise InputError(f"{path}: larger than {MAX_BYTES // 2**20} MiB; expected a short text file")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: byte {error.start} is not UTF-8; expected a text file") from None


def read_yaml(path: Path) -> LinedDocument:
    """A YAML file.

    Raises
    ------
    InputError
        If it cannot be read or is not YAML; the message has the line.
    """
    text = read_text(path)
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        data = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise InputError(f"{path}{_line(error)}: not YAML as it is read here: {_problem(error)}") from None
    except (RecursionError, ValueError) as error:
        problem = "nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise InputError(f"{path}: not YAML as it is read here: {problem}") from None
    finally:
        if loader is not None:
            loader.dispose()
    return LinedDocument(path, data, node)


def _line(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    return "" if mark is None else f", line {mark.line + 1}"


def _problem(error: yaml.YAMLError) -> str:
    return str(getattr(error, "problem", None) or str(error).splitlines()[0])
