"""From functions and their configuration to an app folder, manifests and OpenAPI."""
