"""What comes after notices are sent: how they fared, where teams stand, what people answered."""
