"""End to end: the real plugin in a real host, with the real service."""
