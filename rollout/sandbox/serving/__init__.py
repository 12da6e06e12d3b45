"""The sandbox as an HTTP server on this machine."""
