"""What the re-measurement of SPaS found, in sentences: page one, and the words beside the pictures."""
