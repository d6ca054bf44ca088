"""Reads compose.yaml and says what is wrong with it; a small schema of the keys that we use, and a few rules."""

import re
from typing import Any

import jsonschema
import yaml

TEXTS = {"type": "array", "items": {"type": "string"}}
PAIRS = {"type": "object", "additionalProperties": {"type": "string"}}
CONDITIONS = ["service_started", "service_healthy", "service_completed_successfully"]
DURATION = {"type": "string", "pattern": r"^(\d+(us|ms|s|m|h))+$"}

SERVICE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["image"],
    "properties": {
        "build": {
            "type": "object",
            "additionalProperties": False,
            "required": ["context", "dockerfile"],
            "properties": {"context": {"type": "string"}, "dockerfile": {"type": "string"}},
        },
        "cap_drop": TEXTS,
        "command": TEXTS,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "additionalProperties": False,
                "required": ["condition"],
                "properties": {"condition": {"enum": CONDITIONS}},
            },
        },
        "environment": PAIRS,
        "healthcheck": {
            "type": "object",
            "additionalProperties": False,
            "required": ["test"],
            "properties": {"test": TEXTS, "interval": DURATION, "timeout": DURATION, "retries": {"type": "integer"}},
        },
        "image": {"type": "string"},
        "read_only": {"type": "boolean"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "security_opt": TEXTS,
        "stop_grace_period": DURATION,
        "tmpfs": TEXTS,
        "volumes": TEXTS,
    },
}

SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["services"],
    "patternProperties": {"^x-": {}},
    "properties": {
        "services": {"type": "object", "additionalProperties": SERVICE},
        "volumes": {"type": "object"},
    },
}

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN", re.IGNORECASE)
REQUIRED = re.compile(r"^\$\{\w+:\?.+\}$")  # ${NAME:?message}: no default


def load(text: str) -> dict[str, Any]:
    """Return the document, aliases resolved."""
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def complaints(document: dict[str, Any], schema: dict[str, Any] | None = None) -> list[str]:
    """Say what is wrong, by a schema (default: the keys that we use) and by our own rules."""
    kind = jsonschema.validators.validator_for(schema or SCHEMA)
    errors = kind(schema or SCHEMA).iter_errors(document)
    found = [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in errors]
    services = document.get("services", {})
    for name, service in services.items():
        for other, terms in service.get("depends_on", {}).items():
            if other not in services:
                found.append(f"{name} depends on {other}, which is no service")
            elif terms.get("condition") == "service_healthy" and "healthcheck" not in services[other]:
                found.append(f"{name} waits for the health of {other}, which has no healthcheck")
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key) and not REQUIRED.match(value):
                found.append(f"{name}: {key} must be a required variable, not {value!r}")
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if re.fullmatch(r"\w+", source) and source not in document.get("volumes", {}):
                found.append(f"{name}: there is no volume {source}")
    return found
