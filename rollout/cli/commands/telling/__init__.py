"""Commands about what people are told and what they answer."""
