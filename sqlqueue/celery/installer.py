"""`install`: let ``import celery`` and every module below it mean this package, for projects that cannot be edited."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

OURS, THEIRS = "sqlqueue.celery", "celery"


class _Finder(MetaPathFinder, Loader):
    """Finds ``celery.x`` as ``sqlqueue.celery.x``: the same module under both names."""

    def find_spec(self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> Any:
        if not name.startswith(f"{THEIRS}."):
            return None
        ours = OURS + name.removeprefix(THEIRS)
        return ModuleSpec(name, self) if importlib.util.find_spec(ours) is not None else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(OURS + spec.name.removeprefix(THEIRS))
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It has run; it keeps its own spec."""
        assert module.__spec__ is not None  # noqa: S101 - set by the import system
        module.__spec__ = module.__spec__.loader_state


def install() -> None:
    """Register this package as ``celery``; Celery itself, if it is there, is not imported any more."""
    if not any(isinstance(one, _Finder) for one in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    sys.modules[THEIRS] = sys.modules[OURS]
