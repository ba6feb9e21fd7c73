"""Transactions to customer features in one DuckDB query, duplicates dropped exactly."""

import sys

import duckdb

source, output = sys.argv[1:]
with duckdb.connect() as database:
    database.execute(
        f"set memory_limit='4GB'; set temp_directory='{output}.spill'; set preserve_insertion_order=false"
    )
    database.execute(f"""
        copy (
            select "Customer ID" as customer_id, sum(Quantity) as total_quantity,
                   avg(Price) as mean_unit_price, count(distinct Invoice) as purchases, count(*) as lines,
                   min(InvoiceDate) as first_purchase, max(InvoiceDate) as last_purchase,
                   sum(Quantity * Price) as spend
            from (
                select distinct * from read_parquet('{source}')
                where "Customer ID" is not null and not starts_with(Invoice, 'C')
                  and Quantity > 0 and Price > 0
            )
            group by 1
        ) to '{output}'
    """)
