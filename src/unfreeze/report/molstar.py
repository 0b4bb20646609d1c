"""The Mol* viewer out of the installed ipymolstar package, made ready for a page that loads nothing.

ipymolstar ships Mol* as an ES module whose only export is a widget. The module is turned into a plain script that
leaves the library in ``globalThis.molstar``; nothing of it is kept in this package.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["MolstarBundle", "load_molstar"]

# The bundle's video encoder makes named functions from text while it loads, which a strict content policy
# forbids. It gets this stand-in for `Function`, which wraps instead of compiling.
_OPENING = """(() => {
const NativeFunction = globalThis.Function;
function Wrapper(...parts) {
  const body = String(parts[parts.length - 1]);
  if (/^return function/.test(body)) return (inner) => function () { return inner.apply(this, arguments); };
  return () => "";
}
Wrapper.prototype = NativeFunction.prototype;
((Function) => {
"""
_CLOSING = """
;globalThis.molstar = {library};
}})(Wrapper);
}})();
"""


@dataclass(frozen=True)
class MolstarBundle:
    """What a page needs of Mol*.

    Attributes
    ----------
    script
        A classic script that sets ``globalThis.molstar``.
    style
        Its style sheet.
    version
        Version of the ipymolstar package it was taken from.
    """

    script: str
    style: str
    version: str


def load_molstar() -> MolstarBundle | None:
    """Mol* from the installed package; None when it is absent or not of the shape that is known.

    Without it a page falls back on its own drawing, and says so.
    """
    spec = importlib.util.find_spec("ipymolstar")
    if spec is None or spec.origin is None:
        return None
    module = Path(spec.origin).parent / "static" / "molviewspec.js"
    if not module.is_file():
        return None
    style = module.with_suffix(".css")
    script = as_classic_script(module.read_text(encoding="utf-8"))
    if script is None:
        return None
    return MolstarBundle(
        script=script,
        style=style.read_text(encoding="utf-8") if style.is_file() else "",
        version=importlib.metadata.version("ipymolstar"),
    )


def as_classic_script(module: str) -> str | None:
    """Turn the ES module into a script that sets ``globalThis.molstar``; None if it cannot be done."""
    # the widget's own code stands at the end; a pattern over the whole five megabytes takes seconds
    call = module.rfind(".Viewer.create(")
    library = re.search(r"[A-Za-z_$][\w$]*$", module[max(call - 80, 0) : max(call, 0)])
    start = module.rfind("export")
    export = re.compile(r"export\s*\{[^{}]*\}\s*;?").match(module, max(start, 0))
    if library is None or export is None:
        return None
    body = module[:start] + module[export.end() :]
    script = _OPENING + body + _CLOSING.format(library=library.group())
    return script.replace("\r\n", "\n").replace("\r", "\n")
