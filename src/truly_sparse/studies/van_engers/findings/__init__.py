"""What the re-measurement of van Engers' paper found, in sentences."""
