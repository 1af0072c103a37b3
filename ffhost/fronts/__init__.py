"""The two Falcon applications, for ASGI and for WSGI, in which each function is a resource."""

from ffhost._lazy import postpone_import

# Falcon imports the first for errors written as XML, which the host does not write, and the second
# by way of `http.cookiejar`, which it needs for an annotation. Both run when somebody uses them.
for _name in ("xml.etree.ElementTree", "urllib.request"):
    postpone_import(_name)
