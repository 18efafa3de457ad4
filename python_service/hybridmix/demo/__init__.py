"""The demo session: a real drum recording with bleed beside sequenced stems, badly staged on purpose."""
