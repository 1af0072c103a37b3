"""The front door: who may call what. Values in, a decision out; nothing here knows WSGI or ASGI.

A `Door` holds the ways that open one function and judges the header fields of a request, and
its body where a signature covers it. Everything that the configuration settles is settled when a
door is made: keys are imported, claims and challenges composed. `key_fetcher` alone does I/O, in
threads of its own. joserfc is imported only where a way verifies tokens by public keys.
"""
