"""What the service decides beside gains: one module per processor, each with a state of its own per member."""
