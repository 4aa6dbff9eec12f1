"""How claims of the study are judged."""
