"""The report: small tables, charts and the page that holds them."""

from custseg.report.write import write_report

__all__ = ["write_report"]
