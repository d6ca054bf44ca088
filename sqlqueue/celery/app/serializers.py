"""What a project has registered with kombu, Celery's messaging library: serializers, and types that JSON can hold.

It is taken from there. Nothing is imported for it: a project that has not imported kombu has registered nothing.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from sqlqueue.errors import EncodingError
from sqlqueue.serialization.serializers import Serializer, look_elsewhere
from sqlqueue.serialization.typed import NOT_TYPED, describe_elsewhere

TAG = "$kombu"
"""Tag of a value of a type that is registered with kombu; it holds what kombu's own JSON would be."""


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


def _described(value: Any) -> Any:
    """Return what kombu's JSON makes of a value; Django's lazy texts are text, with kombu or without."""
    lazy = sys.modules.get("django.utils.functional")
    if lazy is not None and isinstance(value, lazy.Promise):
        return str(value)
    module = sys.modules.get("kombu.utils.json")
    if module is None:
        return NOT_TYPED
    try:
        found = json.loads(module.dumps(value))
    except TypeError:
        return NOT_TYPED
    return {TAG: found} if isinstance(found, dict) and found.keys() == {"__type__", "__value__"} else found


def _revived(content: Any) -> Any:
    module = sys.modules.get("kombu.utils.json")
    try:
        if module is not None:
            return module.loads(json.dumps(content))
    except ValueError:
        pass
    kind = content.get("__type__") if isinstance(content, dict) else content
    raise EncodingError(f"a value of the type {kind!r} that kombu does not know: call kombu's register_type here too")


look_elsewhere(_of_kombu)
describe_elsewhere(_described, TAG, _revived)
