"""The whole job on Spark MLlib in local mode. Needs Java 17."""

import sys

from pyspark.ml.clustering import KMeans
from pyspark.ml.evaluation import ClusteringEvaluator
from pyspark.ml.feature import StandardScaler, VectorAssembler
from pyspark.sql import SparkSession
from pyspark.sql import functions as fn

source, output = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.driver.memory", "12g")
    .config("spark.ui.enabled", "false")
    .config("spark.ui.showConsoleProgress", "false")
    .config("spark.sql.shuffle.partitions", "32")
    .config("spark.local.dir", f"{output}.local")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
customers = (
    spark.read.parquet(source)
    .na.drop(subset=["Customer ID"])
    .filter(~fn.col("Invoice").startswith("C") & (fn.col("Quantity") > 0) & (fn.col("Price") > 0))
    .dropDuplicates()
    .groupBy("Customer ID")
    .agg(
        fn.sum("Quantity").alias("total_quantity"),
        fn.avg("Price").alias("mean_unit_price"),
        fn.countDistinct("Invoice").alias("purchases"),
    )
)
customers.write.mode("overwrite").parquet(f"{output}.features")
columns = ["total_quantity", "mean_unit_price", "purchases"]
table = spark.read.parquet(f"{output}.features")
table = table.select("Customer ID", *[fn.log1p(name).alias(name) for name in columns])
table = VectorAssembler(inputCols=columns, outputCol="raw").transform(table)
table = StandardScaler(inputCol="raw", outputCol="features", withMean=True).fit(table).transform(table)
table = table.select("Customer ID", "features").cache()
fits = []
for k in range(2, 11):
    labelled = KMeans(k=k, seed=1).fit(table).transform(table)
    fits.append((ClusteringEvaluator().evaluate(labelled), k, labelled))
best = max(fits, key=lambda fit: fit[0])
best[2].select("Customer ID", "prediction").write.mode("overwrite").parquet(output)
