"""``python -m functions_framework``."""

from ffhost.cli.framework_command import main

main(program="python -m functions_framework")
