"""What of van Engers' paper holds: its claims and the rules that judge them."""
