"""What the re-measurement found, in sentences: page one, and the words beside the pictures."""
