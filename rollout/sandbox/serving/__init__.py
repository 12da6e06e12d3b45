"""The embedded organization as an HTTP server on this machine."""
