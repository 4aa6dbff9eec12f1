"""`python -m truly_sparse`."""

from truly_sparse.cli.main import main

raise SystemExit(main())
