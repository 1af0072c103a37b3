"""Values and rules of HTTP. No I/O, no Falcon, no server."""
