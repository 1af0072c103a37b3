"""Everything that a function can ask of Flask's request and what hangs around it, as a table."""

import collections
import os

import flask
import functions_framework
from flask import current_app, g, session, url_for
from flask.globals import app_ctx, request_ctx
from werkzeug.exceptions import HTTPException

FIELDS = ("Accept", "Cookie", "X-Many", "Authorization", "X-None", "User-Agent")
ENVIRON = [
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
    "HTTP_HOST",
    "SERVER_PROTOCOL",
    "REMOTE_ADDR",
    "HTTP_COOKIE",
    "HTTP_X_MANY",
    "HTTP_TRANSFER_ENCODING",
    "wsgi.version",
    "wsgi.url_scheme",
    "wsgi.input_terminated",
    "wsgi.run_once",
]
REQUEST = [
    "method",
    "path",
    "full_path",
    "url",
    "base_url",
    "root_path",
    "root_url",
    "url_root",
    "script_root",
    "host",
    "host_url",
    "scheme",
    "is_secure",
    "query_string",
    "remote_addr",
    "remote_user",
    "access_route",
    "referrer",
    "origin",
    "endpoint",
    "view_args",
    "routing_exception",
    "blueprint",
    "blueprints",
    "is_multithread",
    "is_run_once",
    "shallow",
    "max_content_length",
    "max_form_memory_size",
    "max_form_parts",
    "want_form_data_parsed",
    "trusted_hosts",
]
ADAPTER = ["server_name", "script_name", "path_info", "url_scheme", "default_method", "query_args"]
CONFIG = [
    "APPLICATION_ROOT",
    "DEBUG",
    "EXPLAIN_TEMPLATE_LOADING",
    "MAX_CONTENT_LENGTH",
    "MAX_COOKIE_SIZE",
    "PERMANENT_SESSION_LIFETIME",
    "PREFERRED_URL_SCHEME",
    "PROPAGATE_EXCEPTIONS",
    "SECRET_KEY",
    "SEND_FILE_MAX_AGE_DEFAULT",
    "SERVER_NAME",
    "SESSION_COOKIE_DOMAIN",
    "SESSION_COOKIE_HTTPONLY",
    "SESSION_COOKIE_NAME",
    "SESSION_COOKIE_PATH",
    "SESSION_COOKIE_SAMESITE",
    "SESSION_COOKIE_SECURE",
    "SESSION_REFRESH_EACH_REQUEST",
    "TEMPLATES_AUTO_RELOAD",
    "TESTING",
    "TRAP_BAD_REQUEST_ERRORS",
    "TRAP_HTTP_EXCEPTIONS",
    "TRUSTED_HOSTS",
    "USE_X_SENDFILE",
]


def names(values):
    return sorted(str(each) for each in values)


def kind(value):
    return f"{type(value).__module__}.{type(value).__qualname__}"


def files(request):
    found = request.files.items(multi=True)
    return [(key, f.filename, f.name, f.mimetype, f.content_length, f.read()) for key, f in found]


def remembered(request):
    g.word = "kept"
    g.setdefault("other", 1)
    found = [g.word, g.get("other"), "word" in g, "no" in g, g.pop("word"), g.get("word")]
    return found + sorted(each for each in g if each != "execution_id_context")


def flashed(request):
    flask.flash("word")


def set_session(request):
    session["name"] = "value"


def copied(request):
    @flask.copy_current_request_context
    def inner():
        return flask.request.path, flask.request.endpoint, flask.request is request

    return inner()


def pushed_again(request):
    with request_ctx.copy() as context:
        return flask.request.path, context.request is request, flask.request == request


def test_context(request):
    with current_app.test_request_context("/other/path?x=1", method="PUT"):
        return flask.request.path, flask.request.args["x"], flask.request.endpoint, url_for("run")


def app_context(request):
    g.outer = 1
    with current_app.app_context():
        return "outer" in g, current_app.name


def aborted(code):
    def ask(request):
        flask.abort(code)

    return ask


def template(request):
    g.word = "of g"
    text = "{{ request.path }} {{ g.word }} {{ session.get('x') }} {{ config.DEBUG }} {{ '<b>' }}"
    return flask.render_template_string(text + " {{ url_for('run', path='x') }}", own=1)


def streamed(request):
    def numbers():
        yield request.path
        yield flask.request.method

    return list(flask.stream_with_context(numbers()))


def changed(request):
    request.own = 5
    request.max_content_length = 7
    return request.own, flask.request.own, request.max_content_length


def read_twice(request):
    return request.get_data(cache=False, parse_form_data=False), request.get_data(), request.data


def read_stream(request):
    return request.stream.read(3), request.stream.read(), request.get_data()


def signals(request):
    return [bool(each.receivers) for each in (flask.request_started, flask.request_finished)]


ACCESSORS = {
    # The address
    **{f"request.{name}": lambda r, name=name: getattr(r, name) for name in REQUEST},
    "request.server": lambda r: r.server[0],
    "request.url_rule.rule": lambda r: r.url_rule.rule,
    "request.url_rule.endpoint": lambda r: r.url_rule.endpoint,
    "request.url_rule.methods": lambda r: r.url_rule.methods,
    "request.url_rule.defaults": lambda r: r.url_rule.defaults,
    "request.url_rule.arguments": lambda r: names(r.url_rule.arguments),
    "repr(request)": repr,
    # The query
    "request.args": lambda r: r.args,
    "request.args.lists()": lambda r: list(r.args.lists()),
    "request.args[q]": lambda r: r.args["q"],
    "request.args[none]": lambda r: r.args["none"],
    "request.args.get(n, type=int)": lambda r: r.args.get("n", type=int),
    "request.args.get(q, 1, int)": lambda r: r.args.get("q", 1, int),
    "request.args.getlist(q)": lambda r: r.args.getlist("q"),
    "request.args.to_dict()": lambda r: r.args.to_dict(),
    "request.args change": lambda r: r.args.add("x", "y"),
    "request.values": lambda r: r.values.to_dict(flat=False),
    # The body
    "request.content_type": lambda r: r.content_type,
    "request.content_length": lambda r: r.content_length,
    "request.content_encoding": lambda r: r.content_encoding,
    "request.content_md5": lambda r: r.content_md5,
    "request.mimetype": lambda r: r.mimetype,
    "request.mimetype_params": lambda r: r.mimetype_params,
    "request.is_json": lambda r: r.is_json,
    "request.json": lambda r: r.json,
    "request.get_json()": lambda r: r.get_json(),
    "request.get_json(silent)": lambda r: r.get_json(silent=True),
    "request.get_json(force, silent)": lambda r: r.get_json(force=True, silent=True),
    "request.get_json(force)": lambda r: r.get_json(force=True),
    "request.form": lambda r: r.form,
    "request.form.getlist(a)": lambda r: r.form.getlist("a"),
    "request.form[none]": lambda r: r.form["none"],
    "request.files": lambda r: [repr(each) for each in r.files.items(multi=True)],
    "request.files.read()": files,
    "request.data": lambda r: r.data,
    "request.get_data()": lambda r: r.get_data(),
    "request.get_data(as_text)": lambda r: r.get_data(as_text=True),
    "request.get_data(parse_form_data)": lambda r: r.get_data(parse_form_data=True),
    "request.stream.read() at the end": lambda r: r.stream.read(),
    "request.input_stream.read()": lambda r: r.input_stream.read(),
    "request.make_form_data_parser()": lambda r: kind(r.make_form_data_parser()),
    # Header fields
    "request.headers": lambda r: sorted(r.headers),
    "request.headers type": lambda r: kind(r.headers),
    "request.headers[lower case]": lambda r: r.headers["x-many"],
    "request.headers[none]": lambda r: r.headers["x-none"],
    "request.headers.get(type)": lambda r: r.headers.get("X-Number", type=int),
    "request.headers.getlist": lambda r: r.headers.getlist("X-Many"),
    "in request.headers": lambda r: ["X-MANY" in r.headers, "x-none" in r.headers],
    "request.headers.get": lambda r: [r.headers.get(each, "-") for each in FIELDS],
    "request.headers.keys()": lambda r: names(r.headers.keys()),
    "request.headers change": lambda r: r.headers.add("x", "y"),
    "request.cookies": lambda r: r.cookies,
    "request.cookies.get": lambda r: [r.cookies.get("a"), r.cookies.get("none")],
    "request.cookies.lists()": lambda r: list(r.cookies.lists()),
    "request.authorization": lambda r: r.authorization,
    "request.authorization.type": lambda r: r.authorization.type,
    "request.authorization.username": lambda r: r.authorization.username,
    "request.authorization.password": lambda r: r.authorization.password,
    "request.authorization.token": lambda r: r.authorization.token,
    "request.accept_mimetypes": lambda r: r.accept_mimetypes,
    "request.accept_mimetypes.best": lambda r: r.accept_mimetypes.best,
    "request.accept_mimetypes.best_match": lambda r: r.accept_mimetypes.best_match(
        ["text/html", "application/json"]
    ),
    "request.accept_mimetypes.accept_json": lambda r: r.accept_mimetypes.accept_json,
    "request.accept_mimetypes.quality": lambda r: r.accept_mimetypes["text/html"],
    "request.accept_charsets": lambda r: r.accept_charsets,
    "request.accept_encodings": lambda r: r.accept_encodings,
    "request.accept_languages": lambda r: r.accept_languages,
    "request.accept_languages.best_match": lambda r: r.accept_languages.best_match(["de", "en"]),
    "request.cache_control": lambda r: r.cache_control,
    "request.cache_control.max_age": lambda r: r.cache_control.max_age,
    "request.cache_control.no_cache": lambda r: r.cache_control.no_cache,
    "request.date": lambda r: r.date,
    "request.if_match": lambda r: r.if_match,
    "request.if_none_match": lambda r: sorted(r.if_none_match.as_set()),
    "request.if_modified_since": lambda r: r.if_modified_since,
    "request.if_unmodified_since": lambda r: r.if_unmodified_since,
    "request.if_range": lambda r: r.if_range,
    "request.range": lambda r: r.range,
    "request.range.ranges": lambda r: r.range.ranges,
    "request.max_forwards": lambda r: r.max_forwards,
    "request.pragma": lambda r: r.pragma,
    "request.user_agent": lambda r: r.user_agent,
    "request.user_agent.string": lambda r: r.user_agent.string,
    "request.access_control_request_headers": lambda r: r.access_control_request_headers,
    "request.access_control_request_method": lambda r: r.access_control_request_method,
    # The object
    "type(request)": lambda r: [isinstance(r, flask.Request), type(r).__name__, type(r).__module__],
    "request is flask.request": lambda r: flask.request._get_current_object() is r,
    "request == flask.request": lambda r: flask.request == r,
    "bool(request)": bool,
    "hasattr(request, none)": lambda r: [hasattr(r, "none"), getattr(r, "none", "-")],
    "request.none": lambda r: r.none,
    "request attributes": changed,
    "dir(request)": lambda r: [n for n in dir(flask.Request) if n not in dir(r)],
    "request.json_module": lambda r: kind(r.json_module),
    "request.user_agent_class": lambda r: r.user_agent_class.__name__,
    "request.parameter_storage_class": lambda r: r.parameter_storage_class.__name__,
    "request.dict_storage_class": lambda r: r.dict_storage_class.__name__,
    "request.list_storage_class": lambda r: r.list_storage_class.__name__,
    "request.form_data_parser_class": lambda r: r.form_data_parser_class.__name__,
    "with request": lambda r: r.__enter__() is r,
    "request.from_values": lambda r: type(r).from_values("/x?y=1").url,
    # The environ
    **{f"environ {name}": lambda r, name=name: r.environ.get(name) for name in ENVIRON},
    "environ wsgi.input": lambda r: hasattr(r.environ["wsgi.input"], "read"),
    "environ werkzeug.request": lambda r: r.environ["werkzeug.request"] is r,
    "environ none": lambda r: r.environ["none"],
    "environ HTTP_": lambda r: names(each for each in r.environ if each.startswith("HTTP_")),
    # The application
    "current_app.name": lambda r: current_app.name,
    "current_app.import_name": lambda r: current_app.import_name,
    "type(current_app)": lambda r: isinstance(current_app._get_current_object(), flask.Flask),
    "current_app.debug": lambda r: current_app.debug,
    "current_app.testing": lambda r: current_app.testing,
    "current_app.secret_key": lambda r: current_app.secret_key,
    "current_app.static_url_path": lambda r: current_app.static_url_path,
    "current_app.template_folder": lambda r: os.path.basename(current_app.template_folder),
    "current_app.blueprints": lambda r: current_app.blueprints,
    "current_app.extensions": lambda r: current_app.extensions,
    "current_app.view_functions": lambda r: "run" in current_app.view_functions,
    "current_app.url_map": lambda r: names(
        each.rule for each in current_app.url_map.iter_rules("run")
    ),
    "current_app.logger.name": lambda r: current_app.logger.name,
    "current_app.json": lambda r: kind(current_app.json),
    "current_app.json.dumps": lambda r: current_app.json.dumps({"b": 1, "a": [None]}),
    "current_app.jinja_env": lambda r: kind(current_app.jinja_env),
    "current_app.request_class": lambda r: issubclass(current_app.request_class, flask.Request),
    "current_app.response_class": lambda r: issubclass(current_app.response_class, flask.Response),
    "current_app.got_first_request": lambda r: current_app._got_first_request,
    "current_app.session_interface": lambda r: kind(current_app.session_interface),
    "current_app.permanent_session_lifetime": lambda r: current_app.permanent_session_lifetime,
    "current_app.session_interface.get_cookie_path": lambda r: (
        current_app.session_interface.get_cookie_path(current_app)
    ),
    "current_app.make_response": lambda r: current_app.make_response(("x", 201)).status,
    "current_app.ensure_sync": lambda r: current_app.ensure_sync(kind) is kind,
    "current_app.url_for": lambda r: current_app.url_for("run", path="x"),
    "current_app.app_context()": app_context,
    "current_app.test_request_context()": test_context,
    "current_app.config keys": lambda r: sorted(current_app.config),
    **{f"config {name}": lambda r, name=name: current_app.config[name] for name in CONFIG},
    # What hangs around
    "has_request_context()": lambda r: [flask.has_request_context(), flask.has_app_context()],
    "g": remembered,
    "g.none": lambda r: g.none,
    "repr(g)": lambda r: repr(g),
    "app_ctx.g": lambda r: app_ctx.g is g._get_current_object(),
    "app_ctx.app": lambda r: app_ctx.app is current_app._get_current_object(),
    "app_ctx.url_adapter": lambda r: app_ctx.url_adapter,
    "request_ctx.request": lambda r: request_ctx.request is r,
    "request_ctx.app": lambda r: request_ctx.app is current_app._get_current_object(),
    "request_ctx.session": lambda r: kind(request_ctx.session),
    "request_ctx.flashes": lambda r: request_ctx.flashes,
    "repr(request_ctx)": lambda r: repr(request_ctx._get_current_object()),
    "request_ctx.url_adapter": lambda r: request_ctx.url_adapter.build("run", {"path": "x"}),
    "request_ctx.url_adapter.match()": lambda r: request_ctx.url_adapter.match("/a/b"),
    "request_ctx.url_adapter attributes": lambda r: [
        getattr(request_ctx.url_adapter, name) for name in ADAPTER
    ],
    "request_ctx.url_adapter.get_host": lambda r: request_ctx.url_adapter.get_host("sub"),
    "request_ctx.url_adapter.test": lambda r: request_ctx.url_adapter.test("/x"),
    "request_ctx.copy()": pushed_again,
    "copy_current_request_context": copied,
    "session": lambda r: [kind(session._get_current_object()), session.get("x"), dict(session)],
    "session flags": lambda r: [session.new, session.modified, session.accessed, session.permanent],
    "session change": set_session,
    "flash": flashed,
    "get_flashed_messages": lambda r: flask.get_flashed_messages(),
    "signals": signals,
    "url_for(run)": lambda r: url_for("run"),
    "url_for(run, path)": lambda r: url_for("run", path="a/b c"),
    "url_for(run, query)": lambda r: url_for("run", path="x", q=[1, 2], n=None, ü="ß"),
    "url_for(run, _external)": lambda r: url_for("run", path="x", _external=True),
    "url_for(run, _scheme)": lambda r: url_for("run", path="x", _scheme="ftp", _external=True),
    "url_for(run, _anchor)": lambda r: url_for("run", path="x", _anchor="here"),
    "url_for(none)": lambda r: url_for("none"),
    "url_for(.run)": lambda r: url_for(".run", path="x"),
    "render_template": lambda r: flask.render_template("page.html", name="n", items=[1]),
    "render_template_string": template,
    "stream_with_context": streamed,
    "jsonify": lambda r: flask.jsonify(b=1, a=[r.path]).get_data(),
    "make_response": lambda r: [flask.make_response("x").status, flask.make_response().mimetype],
    "redirect": lambda r: flask.redirect("/x").location,
    "abort(404)": aborted(404),
    "abort(500)": aborted(500),
    "json.dumps": lambda r: flask.json.dumps({"b": 1, "a": "ü"}),
    "json.loads": lambda r: flask.json.loads("[1]"),
    "after_this_request": lambda r: flask.after_this_request(lambda response: response)(1),
    # What is read late
    "request.get_data() at the end": lambda r: r.get_data(),
    "request.close()": lambda r: r.close(),
}


@functions_framework.http
def accessors(request):
    """Return what each accessor gives, in the order of the table."""
    return flask.jsonify([[name, shown(name, ask, request)] for name, ask in ACCESSORS.items()])


@functions_framework.http
def of_the_server(request):
    """Return what the server passes: it is another one, and reads the whole body."""
    return {"stream": kind(request.stream), "g": sorted(g)}


@functions_framework.http
def body_first(request):
    """Return what reading in several ways gives; each request reads in one."""
    ways = {"twice": read_twice, "stream": read_stream, "data": lambda r: [r.data, r.form, r.data]}
    ways["json"] = lambda r: [r.get_json(silent=True), r.get_data(), r.form]
    ways["form"] = lambda r: [r.form, r.data, r.get_data(), files(r)]
    return {"got": shown("", ways[request.args["way"]], request)}


def shown(name, ask, request):
    try:
        found = ask(request)
    except HTTPException as error:
        return f"raises {kind(error)} {error.description!r:.200}"
    except Exception as error:
        return f"raises {kind(error)} {str(error)!r:.200}"
    if isinstance(found, (set, frozenset)):
        found = sorted(found)
    if isinstance(found, collections.abc.Mapping) and not isinstance(found, dict):
        found = sorted(found.items())
    return repr(found)
