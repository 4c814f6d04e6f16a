"""Goldens of the peers' drift methods from the real libraries, and the rows that they rest on. See README.md.

Usage: golden.py FOLDER   FOLDER is pure/profile/testdata: writes california_*.csv.gz, titanic_*.csv.gz and peers.json
there, and distributions.json of pure/stat
Needs evidently==0.7.23 nannyml==0.13.1 numpy==2.4.6 pandas==2.3.3 scipy==1.17.1 statsmodels==0.15.0.
"""

import gzip
import io
import json
import math
import pathlib
import sys
import warnings

import nannyml
import numpy as np
import pandas as pd
import scipy.stats
from evidently.legacy.calculations import stattests
from evidently.legacy.calculations.stattests import registry
from evidently.legacy.core import ColumnType
from nannyml.drift.univariate.methods import FeatureType, MethodFactory
from nannyml.thresholds import StandardDeviationThreshold

warnings.simplefilter("ignore")
folder = pathlib.Path(sys.argv[1]).resolve()
source = pathlib.Path(nannyml.__file__).parent / "datasets" / "data"
COLUMNS = {"california": ["MedInc", "HouseAge", "Population", "AveOccup"], "titanic": ["Pclass", "Sex", "Age", "SibSp", "Fare", "Embarked"]}
PARTS = {"california": ["california_housing_reference", "california_housing_analysis"], "titanic": ["titanic_reference", "titanic_analysis"]}


def fixture(name):
    out = []
    for part, file in zip(["reference", "current"], PARTS[name]):
        frame = pd.read_csv(source / f"{file}.csv")[COLUMNS[name]]
        text = io.BytesIO()
        with gzip.GzipFile(fileobj=text, mode="wb", mtime=0) as z:
            z.write(frame.to_csv(index=False).encode())
        (folder / f"{name}_{part}.csv.gz").write_bytes(text.getvalue())
        out.append(frame)
    return out


def finite(v):
    v = float(v)
    return v if math.isfinite(v) else None


def evidently(ref, cur, number):
    ref, cur = (s.replace([-np.inf, np.inf], np.nan).dropna() for s in (ref, cur))
    kind = ColumnType.Numerical if number else ColumnType.Categorical
    out = {}
    for test in (stattests.ks_stat_test, stattests.wasserstein_stat_test, stattests.psi_stat_test, stattests.kl_div_stat_test,
                 stattests.jensenshannon_stat_test, stattests.hellinger_stat_test, stattests.chi_stat_test, stattests.z_stat_test,
                 stattests.g_test, stattests.fisher_exact_test, stattests.t_test, stattests.mann_whitney_u_stat_test,
                 stattests.cramer_von_mises, stattests.epps_singleton_test, stattests.energy_dist_test):
        if kind not in test.allowed_feature_types:
            continue
        try:
            result = test(ref.copy(), cur.copy(), kind, None)
        except ValueError as e:
            out[test.name] = {"error": str(e)[:60]}
            continue
        out[test.name] = {"value": finite(result.drift_score), "threshold": result.actual_threshold, "drift": bool(result.drifted)}
    chosen = registry._get_default_stattest(ref, cur, kind)
    return out, chosen.name


def nanny(ref, cur, number):
    kind = FeatureType.CONTINUOUS if number else FeatureType.CATEGORICAL
    out = {}
    for key, kinds in MethodFactory.registry.items():
        if kind not in kinds:
            continue
        method = MethodFactory.create(key=key, feature_type=kind, chunker=nannyml.chunk.DefaultChunker(), threshold=StandardDeviationThreshold(std_lower_multiplier=None))
        method.fit(ref.copy())
        value = method.calculate(cur.copy())
        upper = method.upper_threshold_value
        out[key] = {"value": finite(value), "threshold": None if upper is None else finite(upper), "drift": bool(method.alert(value))}
    return out


california, titanic = fixture("california"), fixture("titanic")
cases = []


def case(name, table, column, ref, cur, how="", number=None):
    if number is None:
        number = pd.api.types.is_numeric_dtype(ref)
    e, chosen = evidently(ref, cur, number)
    cases.append({"name": name, "table": table, "column": column, "how": how, "number": bool(number),
                  "evidently": e, "default": chosen, "nannyml": nanny(ref, cur, number)})


for name, (ref, cur) in {"california": california, "titanic": titanic}.items():
    for column in COLUMNS[name]:
        case(f"{name} {column}", name, column, ref[column], cur[column])
        case(f"{name} {column}, 200 rows", name, column, ref[column][:200], cur[column][:200], "head")
for column in ["MedInc", "AveOccup"]:
    both = pd.concat([california[0][column], california[1][column]], ignore_index=True)
    case(f"both {column}", "california", column, both, california[1][column] * 1.25 - 0.5, "both")
for column in ["Pclass", "SibSp"]:
    case(f"titanic {column} as categories", "titanic", column, titanic[0][column], titanic[1][column], "categories", number=False)
(folder / "peers.json").write_text(json.dumps(cases, indent=1) + "\n")

distributions = {
    "chi2": [[x, df, float(scipy.stats.chi2.sf(x, df))] for x in (0.01, 0.5, 3, 20, 60, 300) for df in (1, 2, 9, 50, 299)],
    "f": [[x, a, b, float(scipy.stats.f.sf(x, a, b))] for x in (0.3, 1, 4, 20) for a in (1, 2, 9) for b in (3, 13.5, 200)],
    "t": [[x, df, float(scipy.stats.t.sf(x, df))] for x in (-2, 0.1, 2, 9, 40) for df in (1, 7, 30.5, 10000)],
    "normal": [[x, float(scipy.stats.norm.sf(x))] for x in (-3, 0, 1, 5, 12, 30)],
    "kolmogorov": [[n, d, float(scipy.stats.kstwo.sf(d, n))] for n, d in
                   [(1, 0.7), (5, 0.12), (5, 0.3), (5, 0.85), (20, 0.04), (100, 0.05), (100, 0.12), (100, 0.3), (141, 0.05), (3413, 0.0687), (3413, 0.01), (3413, 0.02),
                    (9000, 0.009), (50000, 0.001), (200000, 0.002), (200000, 0.0025), (200000, 0.01), (1000000, 0.001)]],
    "smirnov": [[n, m, d, float(scipy.stats._stats_py._attempt_exact_2kssamp(n, m, math.gcd(n, m), d, "two-sided")[2])] for n, m, d in
                [(3, 3, 2 / 3), (7, 5, 0.5), (100, 100, 0.2), (50, 30, 0.3), (1000, 999, 0.05), (5832, 8232, 0.06874657564377896), (10000, 9000, 0.03)]],
    "cramer": [[x, max(0.0, float(1 - scipy.stats._hypotests._cdf_cvm_inf(np.asarray(float(x)))))] for x in (0.01, 0.1, 0.4614, 0.75, 1.5)],
    "fisher": [[a, n, b, m, float(scipy.stats.fisher_exact([[a, n - a], [b, m - b]])[1])] for a, n, b, m in
               [(1, 4, 3, 4), (0, 1000, 5, 300), (40, 1000, 12, 90), (7, 20, 0, 20), (500, 1000, 520, 1000), (0, 10000, 0, 10), (3, 100000, 9, 50000)]],
    "hypergeometric": [[a, n, b, m, float(scipy.stats.hypergeom.cdf(b, n + m, a + b, m)), float(scipy.stats.hypergeom.sf(b - 1, n + m, a + b, m))] for a, n, b, m in
                       [(0, 1000, 5, 300), (40, 1000, 12, 90), (7, 20, 0, 20), (500, 1000, 520, 1000), (3, 100000, 9, 50000), (900, 10000, 150, 1000)]],
}
(folder.parent.parent / "stat" / "testdata" / "distributions.json").write_text(json.dumps(distributions, indent=1) + "\n")
