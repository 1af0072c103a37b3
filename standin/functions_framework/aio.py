"""Stands for ``functions_framework.aio``."""

from ffhost.loading.compat.framework.aio import LazyASGIApp, app, cloud_event, create_asgi_app, http

__all__ = ["LazyASGIApp", "app", "cloud_event", "create_asgi_app", "http"]
