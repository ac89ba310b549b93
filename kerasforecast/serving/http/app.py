"""The routes of a server, on Starlette."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from kerasforecast.errors import InputError, shown
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.runtime.backend import versions
from kerasforecast.serving import open_inference
from kerasforecast.serving.asked import Asked, answer, asked, csv_of, quick
from kerasforecast.serving.http.batches import Batches
from kerasforecast.serving.http.guard import Guard, told
from kerasforecast.serving.http.openapi import document
from kerasforecast.serving.http.telemetry import Telemetry
from kerasforecast.serving.http.work import Work, body_of
from kerasforecast.serving.limits import Limits, Refused
from kerasforecast.serving.outcomes import Outcomes
from kerasforecast.serving.retraining import Retraining
from kerasforecast.serving.shelf import LOG, Served, Shelf

_ASSETS = {"page.html": "text/html", "page.css": "text/css", "page.js": "text/javascript"}
_PAGE = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_INLINE = 64  # windows that ONNX Runtime answers sooner than a thread is woken
_SHORT = 32 * 1024  # bytes of a body that is read and answered as soon


class Server:
    """What the routes of one server share.

    Args:
        shelf: The models.
        limits: On requests.
        watch: Whether outcomes are taken, and drift is told.
        retrain: Whether models that drift calls stale are trained on.
        every: Seconds between looks at the files.
    """

    def __init__(
        self, shelf: Shelf, limits: Limits, *, watch: bool = False, retrain: bool = False, every: float = 2.0
    ) -> None:
        self.shelf, self.limits, self.every = shelf, limits, every
        self.telemetry, self.work = Telemetry(shelf), Work(limits)
        self.batches = Batches()
        self.outcomes = Outcomes(limits) if watch else None
        self.retraining = Retraining(shelf, self.outcomes) if self.outcomes and retrain else None

    def model(self, request: Request) -> Served:
        """The model that an address names.

        Raises:
            Refused: There is none such.
        """
        name = request.path_params["name"]
        served = self.shelf.served.get(name)
        if served is None:
            known = ", ".join(sorted(self.shelf.served)[:10])
            raise Refused(404, f"The model must be one of {known}. Received: {shown(name)}.")
        return served

    async def live(self, request: Request) -> Response:
        """`/v2/health/live`."""
        return JSONResponse({"live": True})

    async def ready(self, request: Request) -> Response:
        """`/v2/health/ready`, `/v2/models/NAME/ready`."""
        if "name" in request.path_params:
            return JSONResponse({"name": self.model(request).name, "ready": True})
        return JSONResponse({"ready": bool(self.shelf.served)}, 200 if self.shelf.served else 503)

    async def about(self, request: Request) -> Response:
        """`/v2`."""
        return JSONResponse(
            {
                "name": "kerasforecast",
                "version": versions("kerasforecast")["kerasforecast"] or "unknown",
                "extensions": [],
            }
        )

    async def metadata(self, request: Request) -> Response:
        """`/v2/models/NAME`."""
        return JSONResponse(open_inference.metadata(self.model(request)))

    async def infer(self, request: Request) -> Response:
        """`/v2/models/NAME/infer`."""
        served = self.model(request)
        _kind(request, "json")
        body = await body_of(request, self.limits)
        windows, number = open_inference.read(body, served, self.limits)
        if served.runtime == "onnx" and len(windows) <= _INLINE:
            forecast = await self.batches.forecasts(served, windows)
        else:
            forecast = await self.work.run(_forecasts, served, windows)
        found = open_inference.answer(served, forecast)
        self.telemetry.forecasts(served.name, len(windows))
        return JSONResponse(found if number is None else {**found, "id": number})

    async def models(self, request: Request) -> Response:
        """`/v1/models`."""
        return JSONResponse({"models": [_facts(each) for _, each in sorted(self.shelf.served.items())]})

    async def forecast(self, request: Request) -> Response:
        """`/v1/models/NAME/forecast`."""
        served, kind = self.model(request), _kind(request, "json", "csv")
        body = await body_of(request, self.limits)
        query = dict(request.query_params)
        wanted = asked(body, kind, query, self.limits) if kind == "json" and len(body) <= _SHORT else None
        if wanted is not None and quick(served, wanted):
            found = answer(served, wanted, self.limits)
        else:
            found = await self.work.run(_forecast, served, wanted, body, kind, query, self.limits)
        self.telemetry.forecasts(served.name, len(found["series"]))
        if "text/csv" in request.headers.get("accept", ""):
            return PlainTextResponse(csv_of(found), media_type="text/csv", headers={"x-model-sha256": served.sha256})
        return JSONResponse(found)

    async def posted(self, request: Request) -> Response:
        """`POST /v1/models/NAME/outcomes`."""
        served, kind, outcomes = self.model(request), _kind(request, "json", "csv"), self._watched()
        body = await body_of(request, self.limits)
        query = dict(request.query_params)
        return JSONResponse(await self.work.run(_post, outcomes, served, body, kind, query, self.limits))

    async def drift(self, request: Request) -> Response:
        """`/v1/models/NAME/drift`."""
        served, outcomes = self.model(request), self._watched()
        found = await self.work.run(outcomes.drift, served)
        self.telemetry.drift(served.name, found)
        told = {} if self.retraining is None else {"retraining": self.retraining.told.get(served.name)}
        return JSONResponse({**found.as_json(), "model": served.name, "sha256": served.sha256, **told})

    async def metrics(self, request: Request) -> Response:
        """`/metrics`."""
        return Response(self.telemetry.text(), media_type="text/plain; version=0.0.4")

    async def openapi(self, request: Request) -> Response:
        """`/openapi.json`."""
        return JSONResponse(document(self.limits, watch=self.outcomes is not None))

    async def asset(self, request: Request) -> Response:
        """`/`, and what it is drawn with."""
        name = request.url.path.removeprefix("/static/").strip("/") or "page.html"
        text = files("kerasforecast.serving.http").joinpath(name).read_text("utf-8")
        return Response(text, media_type=_ASSETS[name], headers=_PAGE)

    def _watched(self) -> Outcomes:
        if self.outcomes is None:
            raise Refused(404, "Outcomes are taken, and drift is told, by `kerasforecast serve --watch`.")
        return self.outcomes

    @contextlib.asynccontextmanager
    async def life(self, app: Starlette) -> AsyncIterator[None]:
        """While it runs, files are looked at every few seconds; at its end what is computed is waited for."""
        looks = [self.shelf.refresh] if self.retraining is None else [self.shelf.refresh, self.retraining.look]
        looking = [asyncio.create_task(self._look(each)) for each in looks]
        yield
        if self.retraining is not None:
            self.retraining.end()
        for each in looking:
            each.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await each
        self.work.close()

    async def _look(self, at: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(self.every)
            try:
                await asyncio.to_thread(at)
            except Exception:  # a folder that is away for a moment ends no server
                LOG.exception("The models could not be looked at.")


def application(
    shelf: Shelf,
    limits: Limits | None = None,
    *,
    watch: bool = False,
    retrain: bool = False,
    token: str | None = None,
    hosts: tuple[str, ...] | None = None,
    every: float = 2.0,
) -> Guard:
    """The server as an ASGI application.

    Args:
        shelf: The models.
        limits: On requests.
        watch: Whether outcomes are taken, and drift is told.
        retrain: Whether models that drift calls stale are trained on.
        token: That requests must bear; none where `None`.
        hosts: Names that the server may be called by; any where `None`.
        every: Seconds between looks at the files.
    """
    server = Server(shelf, limits or Limits(), watch=watch, retrain=retrain, every=every)
    routes: list[tuple[str, Any, str]] = [
        ("/", server.asset, "GET"),
        ("/v2", server.about, "GET"),
        ("/v2/health/live", server.live, "GET"),
        ("/v2/health/ready", server.ready, "GET"),
        ("/v2/models/{name}", server.metadata, "GET"),
        ("/v2/models/{name}/ready", server.ready, "GET"),
        ("/v2/models/{name}/infer", server.infer, "POST"),
        ("/v1/models", server.models, "GET"),
        ("/v1/models/{name}/forecast", server.forecast, "POST"),
        ("/v1/models/{name}/outcomes", server.posted, "POST"),
        ("/v1/models/{name}/drift", server.drift, "GET"),
        ("/metrics", server.metrics, "GET"),
        ("/openapi.json", server.openapi, "GET"),
    ]
    table = [Route(path, call, methods=[method]) for path, call, method in routes]
    table += [Route(f"/static/{name}", server.asset, methods=["GET"]) for name in _ASSETS]
    kinds: tuple[type[Exception], ...] = (Refused, InputError, HTTPException, Exception)
    app = Starlette(routes=table, lifespan=server.life, exception_handlers=dict.fromkeys(kinds, told))
    return Guard(app, shelf, server.telemetry, token, hosts)


def _kind(request: Request, *kinds: str) -> str:
    """`json` or `csv`, by the header: a page of another site cannot send either without being asked first."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    kind = {"application/json": "json", "text/csv": "csv"}.get(given)
    if kind not in kinds:
        wanted = " or ".join({"json": "application/json", "csv": "text/csv"}[each] for each in kinds)
        raise Refused(415, f"The content-type must be {wanted}. Received: {shown(given)}.")
    return kind


def _facts(served: Served) -> dict[str, Any]:
    manifest, model = served.model.manifest, served.model
    return {
        "name": served.name,
        "sha256": served.sha256,
        "runtime": served.runtime,
        "target": manifest.target,
        "columns": list(manifest.roles.columns),
        "known": list(manifest.roles.known),
        "given": [name for name in manifest.roles.known if name not in manifest.roles.calendar],
        "static": list(manifest.roles.static),
        "window": manifest.window,
        "horizon": manifest.horizon,
        "paths": model.predictor.paths,
        "levels": list(model.config.levels),
        "verdict": model.verdict,
        "trained_until": manifest.data.end if manifest.data else None,
    }


def _forecast(
    served: Served, wanted: Asked | None, body: bytes, kind: str, query: dict[str, str], limits: Limits
) -> dict[str, Any]:
    return answer(served, asked(body, kind, query, limits) if wanted is None else wanted, limits)


def _post(
    outcomes: Outcomes, served: Served, body: bytes, kind: str, query: dict[str, str], limits: Limits
) -> dict[str, Any]:
    return outcomes.post(served, asked(body, kind, query, limits))


def _forecasts(served: Served, windows: WindowBatch) -> Forecast:
    if served.runtime == "onnx":
        return open_inference.forecasts(served, windows)
    with served.busy:
        return open_inference.forecasts(served, windows)
