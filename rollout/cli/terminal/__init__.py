"""The terminal: results on stdout, progress and questions on stderr."""
