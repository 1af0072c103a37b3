"""``python -m functions_framework``."""

from ffhost.cli.legacy import main

main(program="python -m functions_framework")
