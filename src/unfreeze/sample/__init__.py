"""The generator: draw, build, restore the geometry, check. Also the verb `unfreeze.sample(...)`.

Importing any module of this package makes Python bind the name `sample` in `unfreeze` to this package, whatever was
bound there before. A function of the same name would therefore vanish at the first `import unfreeze.sample.generate`.
So the package itself can be called, and `unfreeze.sample` is one and the same object in whatever order things are
imported. Calling it is calling :func:`unfreeze.sample.call.sample`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

__all__: list[str] = []


class _CallablePackage(ModuleType):
    def __call__(self, *arguments: Any, **options: Any) -> Any:
        from unfreeze.sample.call import sample

        return sample(*arguments, **options)

    @property
    def __signature__(self) -> Any:
        """What `inspect.signature` and an interactive prompt show."""
        import inspect

        from unfreeze.sample.call import sample

        return inspect.signature(sample)


sys.modules[__name__].__class__ = _CallablePackage
