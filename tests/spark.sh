#!/bin/sh
# flairtag under Apache Spark (cmd/spark): what it writes against one run, with spark-submit, on DataFrames, and while
# flairtag processes, Python workers and an executor are killed. Takes some minutes. FLAIRTAG_SPARK_PYTHON names a
# Python with PySpark (default: python3); skipped without one, or without Java.
cd "$(dirname "$0")/.." || exit 1
flairtag=$(cd "${BUILD:-build}" && pwd)/flairtag || exit 1
python=$(command -v "${FLAIRTAG_SPARK_PYTHON:-python3}")
if ! java -version 2>/dev/null || ! "$python" -c 'import pyspark, pyarrow, pandas' 2>/dev/null; then
    echo "skipped: needs java and a python with pyspark, pyarrow and pandas (FLAIRTAG_SPARK_PYTHON)"
    echo "spark: 0 passed, 0 failed, 1 skipped"
    exit 0
fi
FLAIRTAG_MODELS=$PWD/models SPARK_LOCAL_IP=127.0.0.1 SPARK_LOCAL_HOSTNAME=localhost
PYSPARK_PYTHON=$python PYSPARK_DRIVER_PYTHON=$python PYTHONDONTWRITEBYTECODE=1
export FLAIRTAG_MODELS SPARK_LOCAL_IP SPARK_LOCAL_HOSTNAME PYSPARK_PYTHON PYSPARK_DRIVER_PYTHON PYTHONDONTWRITEBYTECODE
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
cp "$flairtag" "$scratch/flairtag"
SPARK_LOCAL_DIRS=$scratch/spark SPARK_WORKER_DIR=$scratch/work
export SPARK_LOCAL_DIRS SPARK_WORKER_DIR
passed=0 failed=0
for scenario in ${FLAIRTAG_SPARK_TESTS:-submit frames local cluster}; do
    mkdir "$scratch/$scenario"
    # A machine with much else to do takes ten times as long as one that is idle.
    timeout -k 10 900 "$python" tests/engines/spark_jobs.py "$scenario" "$scratch/$scenario" "$scratch/flairtag" \
        >"$scratch/log" 2>"$scratch/errors"
    status=$?
    cat "$scratch/log"
    counts=$(sed -n 's/^spark: \([0-9]*\) passed, \([0-9]*\) failed$/\1 \2/p' "$scratch/log")
    if [ $status != 0 ] || [ -z "$counts" ]; then
        echo "failed: $scenario, exit $status"
        tail -n 60 "$scratch/errors"
        failed=$((failed + 1))
    else
        passed=$((passed + ${counts% *})) failed=$((failed + ${counts#* }))
    fi
done
echo "spark: $passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
