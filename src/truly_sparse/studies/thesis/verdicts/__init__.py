"""What of the thesis holds: its claims and the rules that judge them, from runs and tables as they are built."""
