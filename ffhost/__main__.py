"""``python -m ffhost`` is the ``ffhost`` command."""

from ffhost.cli import main

main()
