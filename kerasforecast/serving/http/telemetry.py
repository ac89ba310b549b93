"""What Prometheus reads at `/metrics`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from kerasforecast.serving.drift import Drift
    from kerasforecast.serving.shelf import Shelf

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_STATUS = {"fine": 0, "watch": 1, "retrain": 2}


class Telemetry:
    """Counters of one server.

    Args:
        shelf: Whose models are told of.
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "kerasforecast_requests", "Requests by route and status.", ("route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "kerasforecast_request_seconds",
            "From request to answer.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._forecasts = Counter("kerasforecast_forecasts", "Series forecast.", ("model",), registry=self._registry)
        self._drift = Gauge(
            "kerasforecast_drift", "0 fine, 1 watch, 2 retrain, as last asked.", ("model",), registry=self._registry
        )
        self._model = Gauge(
            "kerasforecast_model_info",
            "Models served, by hash.",
            ("model", "sha256", "runtime"),
            registry=self._registry,
        )
        swaps = Gauge("kerasforecast_model_swaps", "Models exchanged since the start.", registry=self._registry)
        refusals = Gauge(
            "kerasforecast_model_refusals", "Model files refused since the start.", registry=self._registry
        )
        swaps.set_function(lambda: shelf.swaps)
        refusals.set_function(lambda: shelf.refusals)

    def request(self, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def forecasts(self, model: str, count: int) -> None:
        """Count series, or windows, forecast."""
        self._forecasts.labels(model).inc(count)

    def drift(self, model: str, found: Drift) -> None:
        """Keep what drift was found."""
        self._drift.labels(model).set(_STATUS[found.status])

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        self._model.clear()
        for name, served in self._shelf.served.items():
            self._model.labels(name, served.sha256, served.runtime).set(1)
        return generate_latest(self._registry)
