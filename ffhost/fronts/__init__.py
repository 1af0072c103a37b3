"""The two Falcon applications, for ASGI and for WSGI, in which each function is a resource."""
