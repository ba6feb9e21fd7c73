"""The report: small tables, charts and the page that holds them."""
