"""Operations, time, memory and the machine: pure functions on runs and networks."""
