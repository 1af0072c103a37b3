"""Flask's request for http functions, inside an application and a request context.

Each source file has one Flask application. It routes nothing: whatever the path, the
function is called. A call runs through Flask's own ``wsgi_app`` with an environ made from the
message, so that contexts, hooks, error handlers, sessions and the conversion of results are
Flask's, and the same on both fronts. Two things differ: what ``wsgi_app`` gives is the
response object instead of its bytes, for the signature to encode, and an exception that
nobody handles leaves it, for the host to log and answer.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import flask
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.routing import MapAdapter, Rule

from ffhost.errors import ResultError
from ffhost.invocation.current import CURRENT
from ffhost.loading import decorators
from ffhost.signatures.requests import Prepare, RequestAdapter
from ffhost.signatures.requests._flask import current_request, is_lazy_version
from ffhost.signatures.requests.wsgi_environ import make_wsgi_environ
from ffhost.web.messages import Message
from ffhost.web.problems import CRASH_HEADER

if TYPE_CHECKING:
    from ffhost.invocation.call import Call

MakeEnviron: TypeAlias = Callable[[Message, "Call | None"], dict[str, Any]]
"""Makes the environ of a message, for the call that is given."""
CALL = "ffhost.call"
"""Key of the environ: what to call with the request."""
PARAMS = "ffhost.params"
"""Key of the environ: values of the parameters in the function's path."""
MOUNTED = "ffhost.mounted"
"""Key of the environ: whether ``SCRIPT_NAME`` is the function's path (``strip_path``)."""

_ADVICE = (
    "return a str, bytes, dict, list, generator, flask.Response, "
    "(body, status), (body, headers) or (body, status, headers)"
)


class _Handed:
    """A response on its way to the host, which sends it itself.

    Flask calls it at the end as the WSGI application that it is for. Whoever else calls it gets
    what the response gives.
    """

    def __init__(self, response: flask.Response) -> None:
        self._response = response

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Return the response itself to the host, and a WSGI body to everybody else."""
        if start_response is not _start_nothing:
            return self._response(environ, start_response)
        return self.taken_from(environ)

    def taken_from(self, environ: Any) -> flask.Response:
        """Return the response to a request with *environ*, with the header fields to send."""
        self._response.headers = self._response.get_wsgi_headers(environ)
        return self._response


class _Config(flask.Config):
    """The configuration of an application whose functions may be mounted each at its path."""

    def __getitem__(self, key: str) -> Any:
        value = super().__getitem__(key)
        if key == "APPLICATION_ROOT" and value == "/" and flask.has_request_context():
            environ = current_request().environ
            if environ.get(MOUNTED):  # the path of session cookies, among others
                return environ["SCRIPT_NAME"] or value
        return value


class _Everywhere(MapAdapter):
    """Werkzeug's URL adapter, which matches every path with the function.

    Binding and matching a map costs more than the rest of a small call. Both wait until
    something else is asked, such as ``url_for``.
    """

    def __init__(self, app: FlaskFunctionApp, request: flask.Request) -> None:
        self._app = app
        self._request = request

    def match(self, *arguments: Any, **options: Any) -> Any:
        """Return the function's rule and ``view_args``; what is asked otherwise is looked up."""
        path = self._request.path
        is_static = self._app.serves_static and path.startswith("/static/")
        is_other = is_static or path in self._app.refused_paths
        if is_other or arguments or options != {"return_rule": True}:
            return super().match(*arguments, **options)
        environ = self._request.environ
        params = environ.get(PARAMS)
        rule = self._app.root_rule if path == "/" else self._app.rule
        if params and not environ.get(MOUNTED):
            return rule, dict(params)
        return rule, {"path": path.lstrip("/"), **(params or {})}

    def __getattr__(self, name: str) -> Any:
        # The attributes of a MapAdapter are set when it is bound.
        self.__dict__.update(vars(self._app.bound(self._request)))
        try:
            return self.__dict__[name]
        except KeyError:
            raise AttributeError(name) from None


_PARTS = frozenset(
    {"after_request_funcs", "app_ctx_globals_class", "before_request_funcs", "dispatch_request"}
    | {"do_teardown_appcontext", "do_teardown_request", "finalize_request", "full_dispatch_request"}
    | {"json", "make_response", "preprocess_request", "process_response", "request_class"}
    | {"request_context", "response_class", "session_interface", "teardown_appcontext_funcs"}
    | {"teardown_request_funcs", "url_value_preprocessors", "wsgi_app"}
)
"""What `lazy_flask` does not ask the application for."""


class FlaskFunctionApp(flask.Flask):
    """The application behind the functions of one source file.

    Args:
        name: ``current_app.name``; functions-framework gives it the name of the function
        folder: where ``templates/`` lies
        single: whether it is that of a single target
        none_is_ok: whether None is answered with ``OK``
    """

    config_class = _Config
    none_is_ok = False
    is_changed = False
    """Whether a part was replaced that does not run for each call unless it is."""
    alone: Callable[[Any], Any] | None = None
    """The function, where the application is used without the host (``create_app``)."""
    refused_paths: tuple[str, ...] = ()
    """Paths that the function never sees; of the host's functions the host refuses them."""

    def __init__(self, name: str, folder: Path, *, single: bool) -> None:
        super().__init__(
            name,
            root_path=str(folder),
            template_folder=str(folder / "templates"),
            static_folder=str(folder / "static"),
        )
        # functions-framework answers 404 below /static/ where there is no such folder; here these
        # paths are then the function's, like every other one.
        self.serves_static = single and (folder / "static").is_dir()
        self.rule = Rule("/<path:path>", endpoint="run")
        self.root_rule = Rule("/", defaults={"path": ""}, endpoint="run")
        self.url_map.add(self.root_rule)
        self.url_map.add(self.rule)
        self.view_functions["run"] = _run
        self.register_error_handler(500, _aborted)
        self.is_changed = False

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _PARTS:
            super().__setattr__("is_changed", True)

    def refuse_paths(self, *paths: str) -> None:
        """Answer 404 at *paths*."""
        self.refused_paths = paths
        self.view_functions["error"] = _not_found
        for path in paths:
            self.url_map.add(Rule(path, endpoint="error"))

    def create_url_adapter(self, request: flask.Request | None) -> Any:
        """Return an adapter that matches every path.

        Raises:
            SecurityError: the request's host is not one of ``TRUSTED_HOSTS``; since Flask 3.1
        """
        if request is None:
            return super().create_url_adapter(None)
        if self.config.get("TRUSTED_HOSTS") is not None:
            self.bound(request)
        return _Everywhere(self, request)

    def bound(self, request: flask.Request) -> Any:
        """Return Flask's own adapter for *request*."""
        return super().create_url_adapter(request)

    def dispatch_request(self, *_context: Any) -> Any:
        """Call the function with the request itself, not with its proxy."""
        request: flask.Request = current_request()
        if request.endpoint != "run" or request.routing_exception is not None:
            return super().dispatch_request(*_context)
        return self.call(request)

    def call(self, request: flask.Request) -> Any:
        """Call the function that *request* is for."""
        function = self.alone or request.environ[CALL]
        return function(request)

    def make_response(self, rv: Any) -> flask.Response:
        """Convert a result; None is an error that says what to return.

        Raises:
            ResultError: the result is None
        """
        if rv is None and (self.alone is None or self.none_is_ok):
            if not self.none_is_ok:
                raise ResultError(f"{self.name} returned None; {_ADVICE}")
            rv = "OK"
        return super().make_response(rv)

    def full_dispatch_request(self, *_context: Any) -> Any:
        """Run the function and all that hangs on the application; hand the response to the host."""
        return _Handed(super().full_dispatch_request(*_context))

    def handle_exception(self, *arguments: Any) -> Any:
        """Call the user's handler for 500 if there is one, else raise again."""
        handlers = self.error_handler_spec[None].get(500, {})
        if self.alone is not None or any(handler is not _aborted for handler in handlers.values()):
            return _Handed(super().handle_exception(*arguments))
        error: Exception = arguments[-1]
        flask.got_request_exception.send(self, _async_wrapper=self.ensure_sync, exception=error)
        raise error


def _run(**_view_args: Any) -> Any:
    """Call the function, as the view that it is for Flask."""
    app = cast("FlaskFunctionApp", flask.current_app)
    return app.call(current_request())


def _not_found() -> Any:
    flask.abort(404, description="Not Found")


def _aborted(error: InternalServerError) -> tuple[str, int, list[tuple[str, str]]]:
    """Answer ``abort(500)`` as functions-framework does."""
    return str(error), 500, [CRASH_HEADER]


_apps: dict[str, FlaskFunctionApp] = {}
"""Applications by path of the source file, and for a single target also by its name."""


def _app_for(name: str, source: Path | None, *, single: bool) -> FlaskFunctionApp:
    path = os.path.realpath(source) if source is not None else os.path.join(os.getcwd(), name)
    key = f"{path}:{name}" if single else path
    app = _apps.get(key)
    if app is None:
        app = _apps[key] = FlaskFunctionApp(name, Path(path).parent, single=single)
    return app


def forget_flask_app(name: str, source: Path) -> None:
    """Forget the application of *name* in *source*; the next load makes a new one."""
    _apps.pop(f"{os.path.realpath(source)}:{name}", None)


def standalone_flask_app(
    name: str,
    source: Path | None,
    module: ModuleType,
    function: Callable[[Any], Any],
    *,
    is_http: bool,
) -> FlaskFunctionApp:
    """Return the application of *function*, which it calls in the calling thread.

    Exceptions are Flask's to handle, as in any other application of Flask. As in the original an
    http function never sees ``/robots.txt`` and ``/favicon.ico``.
    """
    flask_request_adapter(
        name, source, module, single=True, none_is_ok=bool(os.environ.get("ENTRY_POINT"))
    )
    app = _app_for(name, source, single=True)
    app.alone = function
    if is_http:
        app.refuse_paths("/robots.txt", "/favicon.ico")
    return app


def flask_import_context(name: str, source: Path, *, single: bool) -> AbstractContextManager[Any]:
    """Return the context of the application in which *source* may find ``current_app``."""
    return _app_for(name, source, single=single).app_context()


def flask_request_adapter(
    name: str,
    source: Path | None,
    module: ModuleType | None,
    *,
    single: bool = False,
    none_is_ok: bool = False,
    prepare: Prepare | None = None,
) -> RequestAdapter:
    """Return the adapter for a function with Flask's request; see `request_adapter_for`."""
    app = _app_for(name, source, single=single)
    app.none_is_ok = none_is_ok
    for handler in () if module is None else tuple(vars(module).values()):
        if type(handler) is FunctionType:
            for exception in handler.__dict__.get(decorators.HANDLES, ()):
                app.error_handler_spec[None][_code_of(exception)][exception] = handler

    def make(message: Message, call: Call | None) -> dict[str, Any]:
        if prepare is not None:
            prepare(message, call)
        environ = make_wsgi_environ(message, call)
        environ.pop("wsgi.file_wrapper", None)  # the server's, for responses that it sends
        if not environ["PATH_INFO"]:
            environ["PATH_INFO"] = "/"  # an application in the function would redirect
        if message.header("content-length") is None:
            environ.pop("CONTENT_LENGTH", None)  # of chunks; Werkzeug says that it is not known
        if message.params:
            environ[PARAMS] = message.params
        if message.is_mounted:
            environ[MOUNTED] = True
        return environ

    def around(target: Callable[..., Any], is_async: bool) -> Callable[..., Any]:
        def make_environ(message: Message, call: Call | None) -> dict[str, Any]:
            environ = make(message, call)
            environ[CALL] = target
            return environ

        if is_async:
            return _around_async(app, target, make)
        run_all = _around(app, make_environ)
        if not is_lazy_version():
            return run_all
        from ffhost.signatures.requests.lazy_flask import call_with_lazy_flask_request

        return call_with_lazy_flask_request(app, target, make_environ, run_all)

    return RequestAdapter(_itself, around)


def _itself(message: Message) -> Message:
    """Return the message; its environ is made when it is needed."""
    return message


def _code_of(exception: type[Exception]) -> int | None:
    """Return the status under which Flask registers the handlers of *exception*."""
    # register_error_handler() refuses once a request was served, which another function of
    # the same file may have done before a reload brought this one.
    return exception.code if issubclass(exception, HTTPException) else None


def _around(app: FlaskFunctionApp, make_environ: MakeEnviron) -> Callable[..., Any]:
    """Return what calls a function inside all of Flask."""
    return lambda message: _answer(app, make_environ(message, CURRENT.get()))


def _answer(app: FlaskFunctionApp, environ: dict[str, Any]) -> Any:
    """Return the response of *app*."""
    if "wsgi_app" in vars(app):  # a middleware of the user, which may look at what is sent
        return flask.Response.from_app(app.wsgi_app, environ)
    return app.wsgi_app(environ, _start_nothing)


def _around_async(
    app: FlaskFunctionApp,
    target: Callable[..., Any],
    make_environ: MakeEnviron,
) -> Callable[..., Any]:
    """Await *target* inside the contexts, then let Flask handle the result or the exception.

    Flask is synchronous: what it does before and after the function happens around a second
    request context that shares ``g`` with the first.
    """

    async def call(message: Message) -> Any:
        environ = make_environ(message, CURRENT.get())
        with app.request_context(environ):
            request = current_request()
            replay = _replay(*await _outcome(target, request))
            return _answer(app, {**environ, CALL: replay})

    return call


async def _outcome(
    target: Callable[..., Any], request: flask.Request
) -> tuple[Any, Exception | None]:
    try:
        return await target(request), None
    except Exception as error:
        return None, error


def _replay(result: Any, error: Exception | None) -> Callable[[Any], Any]:
    def replay(_request: Any) -> Any:
        if error is not None:
            raise error
        return result

    return replay


def _start_nothing(*_arguments: Any) -> Any:
    """Replace ``start_response``, which `_Handed` never calls."""
