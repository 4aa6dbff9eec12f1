"""What of the paper holds: its claims, each judged by a stated rule from tables as they are built, never by hand."""
