"""From run records to tables, figures and the PDF. Reads the shapes of result files; never trains."""
