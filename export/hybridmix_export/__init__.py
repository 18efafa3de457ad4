"""torch to ONNX, with parity checks; what it writes is what the service ships."""
