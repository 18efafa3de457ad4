"""The HybridMix command line."""
