"""The models under test: how each is trained and logged, and the rows that it is asked.

All are small and trained on one thread, so that the suite is quick; what they have to show is not quality but
every kind of column, objective and answer that is served natively.
"""

import dataclasses
from collections.abc import Callable

import lightgbm as lgb
import mlflow
import numpy as np
import pandas as pd
import xgboost as xgb
from mlflow.models import ModelSignature, infer_signature
from mlflow.types import ColSpec, Schema

ROWS, ASKED = 400, 40
PINS = {"lightgbm": f"lightgbm=={lgb.__version__}", "xgboost": f"xgboost=={xgb.__version__}"}


@dataclasses.dataclass
class Case:
    """One model. `frame` are the rows it is asked, with the dtypes of its signature."""

    name: str
    flavor: str
    train: Callable[[], object]
    frame: object  # DataFrame, or an array for a tensor signature
    signature: ModelSignature | None
    log: dict = dataclasses.field(default_factory=dict)
    trained: object = None

    @property
    def endpoint(self):
        return self.name.replace("_", "-")

    @property
    def tensor(self):
        return isinstance(self.frame, np.ndarray)

    @property
    def categories(self):
        """Whether the model knows the categories of a column by value, which pyfunc hands over as plain values."""
        return self.name in ("lgb_categories", "lgb_texts", "xgb_categories", "xgb_texts", "xgb_text_regressor")

    def categorical(self):
        return self.frame.astype({"carrier": "category"})

    def register(self):
        self.trained = self.train()
        library = getattr(mlflow, self.flavor)
        with mlflow.start_run():
            library.log_model(self.trained, name="model", signature=self.signature, registered_model_name=self.name,
                              pip_requirements=[PINS[self.flavor]], **self.log)


def frame(seed=7, rows=ROWS):
    """Doubles, with missing values in one column."""
    r = np.random.default_rng(seed)
    x = pd.DataFrame({"distance": r.uniform(80, 5000, rows).round(1), "dep hour": r.uniform(0, 24, rows), "wärme": r.normal(10, 9, rows)})
    x.loc[r.random(rows) < 0.2, "wärme"] = np.nan
    return x


def mixed(seed=8, rows=ROWS):
    """One column of each type of a signature that a tree takes."""
    r = np.random.default_rng(seed)
    return pd.DataFrame({
        "double": r.normal(size=rows), "float": r.normal(size=rows).astype("float32"), "long": r.integers(-9, 9, rows),
        "integer": r.integers(0, 400, rows).astype("int32"), "flag": r.random(rows) < 0.4})


def target(x, seed=9):
    noise = np.random.default_rng(seed).normal(0, 0.4, len(x))
    total = sum(np.nan_to_num(x[c].astype("float64")) / (np.nanstd(x[c].astype("float64")) + 1e-9) for c in x)
    return np.asarray(total + noise)


def signed(x, optional=()):
    """The signature of a frame; optional columns may be absent."""
    types = {"float64": "double", "float32": "float", "int64": "long", "int32": "integer", "bool": "boolean", "str": "string"}
    return ModelSignature(inputs=Schema([ColSpec(types[str(x[c].dtype)], c, required=c not in optional) for c in x]))


def lightgbm_booster(x, y, rounds=12, categories="auto", **params):
    params = {"num_leaves": 7, "min_data_in_leaf": 5, "deterministic": True, "num_threads": 1, "verbose": -1, "seed": 1} | params
    return lambda: lgb.train(params, lgb.Dataset(x, y, categorical_feature=categories), rounds)


def xgboost_booster(x, y, rounds=12, **params):
    params = {"max_depth": 3, "nthread": 1, "seed": 1} | params
    return lambda: xgb.train(params, xgb.DMatrix(x, y, enable_categorical=True), rounds)


def wrapper(kind, x, y, **params):
    return lambda: kind(n_estimators=12, max_depth=3, n_jobs=1, random_state=1, **params).fit(x, y)


def cases():
    x, m = frame(), mixed()
    s, sm = target(x), target(m)
    binary, three, counts, positive = (s > np.median(s)).astype(int), pd.qcut(s, 3, labels=False), np.random.default_rng(3).poisson(np.exp(s / 4)), np.exp(s / 3)
    ask = x.iloc[:ASKED].reset_index(drop=True)
    small = x.astype("float32")
    codes = m.assign(carrier=3 * np.random.default_rng(5).integers(0, 12, ROWS) + 2)
    code = target(codes) + (codes["carrier"] % 9 == 5)
    asked_codes = codes.iloc[:ASKED].reset_index(drop=True)
    categories = codes.astype({"carrier": "category"})
    texts = codes.assign(carrier=codes["carrier"].map(lambda i: "AA B6 DL EV F9 HA MQ UA US VX WN YV".split()[i // 3]))
    asked_texts = texts.iloc[:ASKED].reset_index(drop=True)
    text_categories = texts.astype({"carrier": "category"})
    matrix = x.to_numpy()

    def lightgbm(name, train, rows=ask, signature=None, **log):
        return Case("lgb_" + name, "lightgbm", train, rows, signature or signed(rows), log)

    def xgboost(name, train, rows=ask, signature=None, **log):
        return Case("xgb_" + name, "xgboost", train, rows, signature or signed(rows), log)

    asked_mixed = m.iloc[:ASKED].reset_index(drop=True)
    tensor = infer_signature(matrix)
    yield lightgbm("binary", lightgbm_booster(x, binary, objective="binary"))
    yield lightgbm("regression", lightgbm_booster(x, s, objective="regression"))
    yield lightgbm("multiclass", lightgbm_booster(x, three, objective="multiclass", num_class=3))
    yield lightgbm("poisson", lightgbm_booster(x, counts, objective="poisson"))
    yield lightgbm("gamma", lightgbm_booster(x, positive, objective="gamma"))
    yield lightgbm("float32", lightgbm_booster(small, binary, objective="binary"), small.iloc[:ASKED].reset_index(drop=True))
    yield lightgbm("mixed", lightgbm_booster(m, sm, objective="regression"), asked_mixed)
    yield lightgbm("optional", lightgbm_booster(x, s, objective="regression"), ask, signed(ask, optional=["wärme"]))
    yield lightgbm("codes", lightgbm_booster(codes, code, categories=["carrier"], objective="regression", min_data_per_group=5, cat_smooth=1), asked_codes)
    yield lightgbm("categories", lightgbm_booster(categories, code, objective="regression", min_data_per_group=5, cat_smooth=1), asked_codes)
    yield lightgbm("texts", lightgbm_booster(text_categories, code, objective="regression", min_data_per_group=5, cat_smooth=1), asked_texts)
    yield lightgbm("tensor", lightgbm_booster(matrix, binary, objective="binary"), matrix[:ASKED], tensor)
    unsigned = lightgbm("unsigned", lightgbm_booster(x.rename(columns=lambda c: c.replace(" ", "_")), binary, objective="binary"), ask.rename(columns=lambda c: c.replace(" ", "_")))
    unsigned.signature = None
    yield unsigned
    yield xgboost("booster", xgboost_booster(x, binary, objective="binary:logistic"))
    yield xgboost("json", xgboost_booster(x, binary, objective="binary:logistic"), model_format="json")
    yield xgboost("softprob", xgboost_booster(x, three, objective="multi:softprob", num_class=3))
    yield xgboost("poisson", xgboost_booster(x, counts, objective="count:poisson"))
    yield xgboost("gamma", xgboost_booster(x, positive, objective="reg:gamma"), model_format="json")
    yield xgboost("mixed", xgboost_booster(m, sm, objective="reg:squarederror"), asked_mixed)
    yield xgboost("classifier", wrapper(xgb.XGBClassifier, x, binary))
    yield xgboost("classes", wrapper(xgb.XGBClassifier, x, three), model_format="json")
    yield xgboost("regressor", wrapper(xgb.XGBRegressor, m, sm), asked_mixed)
    yield xgboost("optional", wrapper(xgb.XGBRegressor, x, s), ask, signed(ask, optional=["wärme"]))
    yield xgboost("categories", xgboost_booster(categories, code, objective="reg:squarederror"), asked_codes)
    plain = x.rename(columns=lambda c: c.replace(" ", "_"))
    unsigned = xgboost("unsigned", xgboost_booster(plain, binary, objective="binary:logistic"), plain.iloc[:ASKED].reset_index(drop=True))
    unsigned.signature = None
    yield unsigned
    yield xgboost("nameless", xgboost_booster(matrix, binary, objective="binary:logistic"))
    yield lightgbm("nameless", lightgbm_booster(matrix, binary, objective="binary"))
    yield xgboost("texts", xgboost_booster(text_categories, code, objective="reg:squarederror"), asked_texts)
    yield xgboost("text_regressor", wrapper(xgb.XGBRegressor, text_categories, code, enable_categorical=True), asked_texts)
    yield xgboost("tensor", xgboost_booster(matrix, binary, objective="binary:logistic"), matrix[:ASKED], tensor)
