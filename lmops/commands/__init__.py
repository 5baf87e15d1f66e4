"""The commands of `lmops`, one module each."""
