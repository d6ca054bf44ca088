"""Serializers that a project has registered with kombu, Celery's messaging library: they are taken from there."""

from __future__ import annotations

import sys
from typing import Any

from sqlqueue.serialization.serializers import Serializer, look_elsewhere


def _of_kombu(name: str) -> Serializer | None:
    """Return the serializer that kombu knows by a name or a content type; None when the project has no kombu."""
    module = sys.modules.get("kombu.serialization")
    if module is None:
        return None
    registry: Any = module.registry
    name = registry.type_to_name.get(name, name)
    content_type = registry.name_to_type.get(name)
    if content_type is None:
        return None

    def encode(value: Any) -> str | bytes:
        found: str | bytes = registry.dumps(value, serializer=name)[2]
        return found

    def decode(data: Any) -> Any:
        return registry.loads(data, content_type, "utf-8" if isinstance(data, str) else "binary", force=True)

    return Serializer(name, content_type, encode, decode)


look_elsewhere(_of_kombu)
