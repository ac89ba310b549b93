"""The server described to programs: an OpenAPI 3.1 document."""

from __future__ import annotations

from typing import Any

from kerasforecast.runtime.backend import versions
from kerasforecast.serving.asked import OPTIONS
from kerasforecast.serving.limits import Limits


def document(limits: Limits, *, watch: bool) -> dict[str, Any]:
    """The document.

    Args:
        limits: On requests, which it names.
        watch: Whether there are routes for outcomes and drift.
    """
    paths = {
        "/v2/health/live": _get("Whether the server runs."),
        "/v2/health/ready": _get("Whether it has a model."),
        "/v2": _get("What the server is."),
        "/v2/models/{name}": _get("Inputs and outputs of a model.", named=True),
        "/v2/models/{name}/ready": _get("Whether the model is served.", named=True),
        "/v2/models/{name}/infer": _post("Forecasts of raw windows.", {"application/json": _INFER}),
        "/v1/models": _get("The models, with their hashes and verdicts."),
        "/v1/models/{name}/forecast": _post(
            "Forecasts of what follows each series of a table.",
            {"application/json": _ref("Forecast"), "text/csv": {"type": "string"}},
        ),
        "/metrics": _get("For Prometheus.", "text/plain"),
        "/openapi.json": _get("This document."),
    }
    if watch:
        paths["/v1/models/{name}/outcomes"] = _post(
            "Rows that came, by which drift is judged.",
            {"application/json": _ref("Forecast"), "text/csv": {"type": "string"}},
        )
        paths["/v1/models/{name}/drift"] = _get("Whether the model still is what its test said, and why.", named=True)
    return {
        "openapi": "3.1.0",
        "info": {"title": "kerasforecast", "version": versions("kerasforecast")["kerasforecast"] or "unknown"},
        "paths": paths,
        "components": {
            "schemas": {"Table": _TABLE, "Forecast": _forecast(limits), "Error": _ERROR},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{}, {"token": []}],
    }


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_CELLS = {"type": "array", "items": {"type": ["number", "string", "null"]}, "minItems": 1}
_TABLE = {
    "description": "Columns of one length, rows with one set of columns, or the text of a CSV file.",
    "oneOf": [
        {"type": "object", "additionalProperties": _CELLS, "minProperties": 1},
        {"type": "array", "items": {"type": "object"}, "minItems": 1},
        {"type": "string"},
    ],
}
_ERROR = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape", "data"],
    "properties": {
        "name": {"enum": ["past", "known", "static"]},
        "datatype": {"enum": ["FP32", "FP64", "INT32", "INT64"]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
        "data": {"type": "array"},
    },
}
_INFER = {
    "type": "object",
    "required": ["inputs"],
    "properties": {"id": {"type": "string"}, "inputs": {"type": "array", "items": _TENSOR}},
}
_NAME = [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]


def _forecast(limits: Limits) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["history"],
        "additionalProperties": False,
        "properties": {
            "history": _ref("Table"),
            "future": _ref("Table"),
            "steps": {"type": "integer", "minimum": 1, "maximum": limits.steps, "default": 1},
            "paths": {"type": "integer", "minimum": 0, "default": 0},
            "options": {
                "type": "object",
                "additionalProperties": False,
                "properties": {name: {"type": "string"} for name in sorted(OPTIONS)},
            },
        },
    }


def _get(summary: str, kind: str = "application/json", *, named: bool = False) -> dict[str, Any]:
    found = {"summary": summary, "responses": _responses(kind)}
    return {"get": found | {"parameters": _NAME} if named else found}


def _post(summary: str, bodies: dict[str, Any]) -> dict[str, Any]:
    content = {kind: {"schema": schema} for kind, schema in bodies.items()}
    body = {"required": True, "content": content}
    return {"post": {"summary": summary, "parameters": _NAME, "requestBody": body, "responses": _responses()}}


def _responses(kind: str = "application/json") -> dict[str, Any]:
    refused = {"description": "Why not, in one line.", "content": {"application/json": {"schema": _ref("Error")}}}
    return {"200": {"description": "The answer.", "content": {kind: {}}}, "4XX": refused, "5XX": refused}
