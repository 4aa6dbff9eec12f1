"""Van der Wal (2023), the thesis before the journal: CIFAR-10, and what else the journal leaves out."""
