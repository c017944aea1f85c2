"""Offer `RouteTypes` at the path that async-worker 0.6 used."""

from asyncworker.route_types import RouteTypes

__all__ = ["RouteTypes"]
