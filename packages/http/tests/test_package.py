from importlib.metadata import version
from pathlib import Path

import asyncworker.http
from asyncworker import RouteTypes
from asyncworker.backend import load_backend

PUBLIC = ["HTTP", "CannotListen", "NotServing", "SSEEvent", "__version__"]


def test_the_public_names():
    assert asyncworker.http.__all__ == PUBLIC
    assert all(hasattr(asyncworker.http, name) for name in PUBLIC)


def test_the_version_is_that_of_the_distribution():
    assert asyncworker.http.__version__ == version("asyncworker-http")


def test_the_package_is_typed():
    assert Path(asyncworker.http.__file__).with_name("py.typed").exists()


def test_core_finds_the_backend_by_its_entry_point():
    backend = load_backend(RouteTypes.HTTP)
    assert backend.route_type == RouteTypes.HTTP


def test_every_app_offers_its_own_extension(app):
    assert isinstance(app.http, asyncworker.http.HTTP)
    assert app.http is app.http
    assert app.http is not type(app)().http
