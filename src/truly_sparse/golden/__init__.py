"""Golden runs: small runs whose outputs are committed as digests, one set for all processors with fused multiply-add.

`cases` says what is run, `outputs` runs it, `check` compares with `digests.json` or makes that file anew.
"""
