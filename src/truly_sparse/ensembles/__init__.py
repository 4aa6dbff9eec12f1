"""What the sources propose: the schedule of phases, the escape strategies, the trainer, the averaged prediction."""
