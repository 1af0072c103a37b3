"""From the text of a target to the callable of the user."""
