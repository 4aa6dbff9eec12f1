"""What runs and networks take, and what they give: operations, time, memory, the machine, metrics."""
