"""Every table and figure of the study can be made, from all runs, from few, and without training."""

import pandas as pd
import pytest

from truly_sparse.errors import UserError
from truly_sparse.studies import make
from truly_sparse.studies.show import report
from truly_sparse.studies.spas.catalogue import FIGURES, TABLES

#: Of these nothing is trained or measured.
COUNTED = {"spas_table2"}


def test_every_table_and_figure_can_be_made(study):
    for name in TABLES:
        csv, tex = make.table(study, name)
        frame = pd.read_csv(csv)
        assert not frame.empty
        assert set(frame["table"]) == {name}
        text = tex.read_text(encoding="utf-8")
        assert name in COUNTED or "0123456789" in text  # the commit of the runs
        assert "nan" not in text.replace("finance", "").lower().split()
        assert max(map(len, report(study, name).splitlines())) < 260
    for name in FIGURES:
        pdf, png, csv = make.figure(study, name)
        assert pdf.stat().st_size > 5000 < png.stat().st_size
        assert set(pd.read_csv(csv)["figure"]) == {name}
