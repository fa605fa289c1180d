"""The contract for machines: an AsyncAPI 3 document with the JSON Schema of every message.

``python -m wire.asyncapi`` prints it; ``wire/asyncapi.json`` is what it printed last, and a test
compares the two.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from wire.codec import MAX_BYTES, TYPES, VERSION, Envelope
from wire.topics import FROM_AGENT, LEAVES, NAME, PREFIX, RETAINED, Leaf

SUMMARIES: dict[Leaf, str] = {
    "status": "Whether the agent is connected; its last will says offline.",
    "meta": "What the agent is: plan, codebook version and privacy parameters.",
    "release": "Noised counts over many visits.",
    "health": "How the devices are; nothing here depends on a visit.",
    "ack": "Highest contiguous seq the hub has stored or rejected.",
    "config": "A codebook, and tighter privacy, never looser.",
}


def document() -> dict[str, Any]:
    """Build the AsyncAPI document from the message classes."""
    schemas, components = msgspec.json.schema_components(
        TYPES.values(), ref_template="#/components/schemas/{name}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "aislewise",
            "version": str(VERSION),
            "description": "MQTT 3.1.1 between edge agents and the hub. Behaviour, no identity.",
        },
        "defaultContentType": "application/json",
        "channels": {leaf: _channel(leaf) for leaf in LEAVES},
        "operations": {f"{_verb(leaf)}_{leaf}": _operation(leaf) for leaf in LEAVES},
        "components": {
            "messages": {
                leaf: _message(leaf, schema) for leaf, schema in zip(TYPES, schemas, strict=True)
            },
            "schemas": components,
        },
    }


def _channel(leaf: Leaf) -> dict[str, Any]:
    name = {"description": f"matches {NAME.pattern}"}
    return {
        "address": f"{PREFIX}/{{store}}/{{agent}}/{leaf}",
        "parameters": {"store": name, "agent": name},
        "messages": {leaf: {"$ref": f"#/components/messages/{leaf}"}},
    }


def _verb(leaf: Leaf) -> str:
    return "send" if leaf in FROM_AGENT else "receive"


def _operation(leaf: Leaf) -> dict[str, Any]:
    return {
        "action": _verb(leaf),
        "channel": {"$ref": f"#/channels/{leaf}"},
        "summary": SUMMARIES[leaf],
        "bindings": {"mqtt": {"qos": 1, "retain": leaf in RETAINED, "bindingVersion": "0.2.0"}},
    }


def _message(leaf: Leaf, schema: dict[str, Any]) -> dict[str, Any]:
    envelope = msgspec.json.schema(Envelope)["$defs"]["Envelope"]
    properties = envelope["properties"] | {
        "type": {"const": f"aislewise.{leaf}.v{VERSION}"},
        "data": schema,
    }
    return {
        "name": leaf,
        "summary": f"{SUMMARIES[leaf]} At most {MAX_BYTES[leaf]} bytes.",
        "contentType": "application/cloudevents+json",
        "payload": envelope | {"properties": properties},
    }


def main() -> None:
    """Print the document."""
    body = msgspec.json.format(msgspec.json.encode(document(), order="sorted"), indent=2)
    sys.stdout.write(body.decode() + "\n")


if __name__ == "__main__":
    main()
