"""Terminal output: results on stdout, progress and questions on stderr."""
