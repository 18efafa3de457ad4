"""Features to values, and the server around it."""
