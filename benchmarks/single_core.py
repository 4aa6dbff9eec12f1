"""Import first: one thread and the processor's own BLAS kernels, settled before NumPy is imported.

`machine.environment` does the same for new processes; where it has named an instruction set, its choice stands.
"""

import os

for _name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "NUMBA"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"
if "BENCH_INSTRUCTIONS" not in os.environ:
    for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        os.environ.pop(_name, None)
