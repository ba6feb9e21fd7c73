"""The command line: text in, text out, exit codes. No rule of the trade is decided here.

One file a command; `options` has every option once.
"""

from custseg.cli import assign, batch, check, report, sample
from custseg.cli.app import app
from custseg.cli.ending import main

__all__ = ["app", "main"]

batch.add_to(app)
assign.add_to(app)
check.add_to(app)
report.add_to(app)
sample.add_to(app)
