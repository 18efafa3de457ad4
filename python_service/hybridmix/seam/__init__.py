"""The seam: how far the AI stems of a session are from its live sources, cause by cause, before and after the mix."""
