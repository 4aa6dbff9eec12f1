"""What of SPaS holds: its claims and the rules that judge them, from tables as they are built."""
