"""HybridMix: AI-generated stems and live recordings in one mix."""

__version__ = "0.1.0"
__all__ = ["__version__"]
