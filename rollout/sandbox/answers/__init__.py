"""One module for each place where moto is laxer than AWS; together they are what a client meets."""
