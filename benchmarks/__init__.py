"""ffhost beside functions-framework, measured in pairs on the same machine.

``python -m benchmarks`` runs everything and writes ``results.md`` and ``results.svg``. Only
ratios mean anything: machines differ, and a shared one differs from minute to minute.
"""
