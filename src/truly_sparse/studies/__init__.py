"""What each source says beside what was measured here: one folder a study, found by its name."""
