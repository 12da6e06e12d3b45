"""How plans, evidence, journal lines and lock holders are spelled, wherever they lie."""
