"""Golden vectors: what every message looks like as bytes; read by the tests of both sides."""
