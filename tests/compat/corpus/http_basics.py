"""What a function reads from its request."""

import os

import flask
import functions_framework


@functions_framework.http
def hello(request: flask.Request) -> flask.typing.ResponseReturnValue:
    return "Hello world!"


@functions_framework.http
def greet(request):
    body = request.get_json(silent=True)
    if body and "name" in body:
        name = body["name"]
    elif request.args and "name" in request.args:
        name = request.args["name"]
    else:
        name = "stranger"
    return f"Good morning, {name}!"


@functions_framework.http
def address(request):
    return {
        "method": request.method,
        "path": request.path,
        "full_path": request.full_path,
        "query": request.query_string.decode(),
        "base_path": request.base_url.split("/", 3)[3],
        "script_root": request.script_root,
        "scheme": request.scheme,
        "is_secure": request.is_secure,
        "endpoint": request.endpoint,
        "view_args": request.view_args,
        "rule": request.url_rule.rule,
    }


@functions_framework.http
def arguments(request):
    return {
        "one": request.args.get("one"),
        "number": request.args.get("number", default=7, type=int),
        "many": request.args.getlist("many"),
        "values": request.values.get("one", "none"),
        "all": request.args.to_dict(flat=False),
    }


@functions_framework.http
def required_argument(request):
    return f"wanted {request.args['wanted']}"


@functions_framework.http
def fields(request):
    return {
        "form": request.form.to_dict(flat=False),
        "size": request.form.get("size", type=int),
        "data": request.data.decode(),
        "mimetype": request.mimetype,
    }


@functions_framework.http
def upload(request):
    upload = request.files["picture"]
    content = upload.read()
    return {
        "title": request.form["title"],
        "filename": upload.filename,
        "type": upload.mimetype,
        "length": len(content),
        "begins": content[:4].hex(),
    }


@functions_framework.http
def headers(request):
    return {
        "agent": request.headers.get("User-Agent"),
        "own": request.headers["x-own"],
        "own_again": request.headers.get("X-OWN"),
        "missing": request.headers.get("X-Missing", "none"),
        "accepts_json": request.accept_mimetypes.accept_json,
        "bearer": request.authorization.token if request.authorization else None,
        "content_type": request.content_type,
        "length": request.content_length,
        "forwarded": request.headers.getlist("X-Forwarded-For"),
    }


@functions_framework.http
def cookies(request):
    return ", ".join(f"{name}={value}" for name, value in sorted(request.cookies.items()))


@functions_framework.http
def json_body(request):
    return {"json": request.get_json(), "is_json": request.is_json}


@functions_framework.http
def forced_json(request):
    return {"json": request.get_json(force=True)}


@functions_framework.http
def raw_body(request):
    return request.get_data()


@functions_framework.http
def text_body(request):
    return request.get_data(as_text=True)[::-1]


@functions_framework.http
def chunked_body(request):
    return str(len(request.stream.read()))


@functions_framework.http
def same_request(request):
    return {"same": request is flask.request._get_current_object(), "path": flask.request.path}


@functions_framework.http
def environment(request):
    names = ("FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE")
    return {name: os.environ.get(name) for name in names}


@functions_framework.http
def module_name(request):
    return f"{__name__} {module_name.__name__}"
