"""What a careful analyst writes in scikit-learn on a table of features; prints each k's sum of squares."""

import json
import sys

import numpy as np
import polars as pl
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score
from sklearn.preprocessing import StandardScaler

source, output = sys.argv[1:]
table = pl.read_parquet(source)
raw = table.select("total_quantity", "mean_unit_price", "purchases").cast(pl.Float64).to_numpy()
points = StandardScaler().fit_transform(np.log1p(raw)).astype(np.float32)
sample = None if len(points) <= 20_000 else 20_000
best, sums = (-1.0, None), {}
for k in range(2, 11):
    fit = KMeans(k, n_init=10, random_state=42).fit(points)
    score = silhouette_score(points, fit.labels_, sample_size=sample, random_state=42)
    sums[k] = fit.inertia_
    best = max(best, (score, fit.labels_), key=lambda found: found[0])
table.with_columns(segment_id=pl.Series(best[1])).write_parquet(output)
print(json.dumps(sums))
