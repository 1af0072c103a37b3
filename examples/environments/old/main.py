"""A function that needs an old version of a package."""

import packaging


def version(request):
    return {"packaging": packaging.__version__}
