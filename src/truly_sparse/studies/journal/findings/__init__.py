"""What the re-measurement of the journal found, in sentences: page one, and the words beside the pictures."""
