"""The sub-commands of ``ffhost``, a module each."""
