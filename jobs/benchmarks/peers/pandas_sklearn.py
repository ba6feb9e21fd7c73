"""The whole job as the usual notebook does it, with pandas and scikit-learn in memory."""

import sys

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

source, output = sys.argv[1:]
lines = pd.read_csv(source, parse_dates=["InvoiceDate"], dtype={"Invoice": str, "StockCode": str})
lines = lines.dropna(subset=["Customer ID"]).drop_duplicates()
lines = lines[~lines["Invoice"].str.startswith("C") & (lines["Quantity"] > 0) & (lines["Price"] > 0)]
customers = lines.groupby("Customer ID").agg(
    total_quantity=("Quantity", "sum"), mean_unit_price=("Price", "mean"), purchases=("Invoice", "nunique")
)
points = StandardScaler().fit_transform(np.log1p(customers))
fits = [KMeans(k, n_init=10, random_state=42).fit(points) for k in range(2, 11)]
best = max(fits, key=lambda fit: silhouette_score(points, fit.labels_))
customers.assign(segment_id=best.labels_).reset_index().to_parquet(output)
