"""What ``ffhost init`` and ``ffhost new`` write: templates, edits of YAML, migration."""
