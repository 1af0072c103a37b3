"""Loading of user code: from a target in the configuration to its callable."""
