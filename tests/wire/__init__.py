"""What travels between plugin and service, byte by byte."""
