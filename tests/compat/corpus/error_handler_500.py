"""A handler for everything that nobody else handles."""

import functions_framework


@functions_framework.errorhandler(500)
def last_resort(error):
    original = getattr(error, "original_exception", None)
    return {"error": type(original).__name__}, 500


@functions_framework.http
def crash(request):
    raise RuntimeError("handled after all")
