"""Authentication and authorization in the sandbox."""
