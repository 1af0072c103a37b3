"""The console: the page for people on the admin listener, and the data behind it.

``pages`` has what a browser loads; everything else here answers its questions below
``/console/api/``. Nothing of this is imported while the console is closed.
"""
