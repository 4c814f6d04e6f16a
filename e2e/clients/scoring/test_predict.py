"""`trimtab predict`: files scored from a folder and from the registry, with the answers of Python to the last bit."""

import re

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from server import run
from test_invocations import python_answer

WRAPPERS = ("xgb_classifier", "xgb_classes", "xgb_regressor", "xgb_optional", "xgb_text_regressor")


def frame_of(case):
    return pd.DataFrame(case.frame, columns=[str(i) for i in range(case.frame.shape[1])]) if case.tensor else case.frame


def write(case, path):
    f = frame_of(case).assign(note="left aside") if not case.tensor else frame_of(case)
    if path.suffix == ".csv":
        f.to_csv(path, index=False, float_format="%.17g")
    else:
        f.to_parquet(path)


def predict(s, server, folder, form, model, what="predict", check=True):
    rows, out = folder / f"rows.{form}", folder / f"out-{what}.{form}"
    write(s.case, rows)
    done = run(server, "predict", "--model", model, "--input", str(rows), "--output", str(out), "--what", what, check=check)
    if done.returncode != 0:
        assert not out.exists(), "nothing is written when it fails"
        return done
    frame = pd.read_csv(out, float_precision="round_trip") if form == "csv" else pd.read_parquet(out)
    return frame.to_numpy()


def equal(got, expected):
    expected = np.asarray(expected)
    assert got.shape == (len(expected), expected.size // len(expected))
    assert (got == expected.reshape(got.shape)).all()


def library_answer(s, what):
    """Margins or probabilities as the library itself answers them; None where it has none."""
    case, model = s.case, s.case.trained
    rows = case.categorical() if case.categories else case.frame
    if case.flavor == "lightgbm":
        if what == "margin":
            return model.predict(rows, raw_score=True)
        return model.predict(rows) if model.params.get("objective") in ("binary", "multiclass") else None
    if case.name in WRAPPERS:
        if what == "margin":
            return model.predict(rows, output_margin=True)
        return model.predict_proba(rows) if isinstance(model, xgb.XGBClassifier) else None
    booster = s.model.get_raw_model()
    rows = xgb.DMatrix(rows if case.name != "xgb_nameless" else rows.to_numpy(), enable_categorical=True)
    if what == "margin":
        return booster.predict(rows, output_margin=True)
    return booster.predict(rows) if case.name in ("xgb_booster", "xgb_json", "xgb_softprob", "xgb_unsigned", "xgb_nameless", "xgb_tensor") else None


def test_csv_and_a_folder(one, server, tmp_path):
    equal(predict(one, server, tmp_path, "csv", one.folder), python_answer(one))
    for number in re.findall(r"[^,\n]+", (tmp_path / "out-predict.csv").read_text().split("\n", 1)[1]):
        assert float(format(float(number), ".17g")) == float(number) and len(re.sub(r"e.*|\D", "", number).lstrip("0")) <= 17


def test_parquet_and_the_registry(one, server, tmp_path):
    equal(predict(one, server, tmp_path, "parquet", f"models:/{one.case.name}@champion"), python_answer(one))


def test_margins_and_probabilities(one, server, tmp_path):
    for what in ("margin", "proba"):
        expected = library_answer(one, what)
        got = predict(one, server, tmp_path, "parquet", f"models:/{one.case.name}/1", what, check=False)
        if expected is None:
            assert got.returncode == 3 and "no probabilities" in got.stderr, f"{what}: {got}"
        else:
            assert isinstance(got, np.ndarray), f"{what}: {got}"
            equal(got, expected)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_wrong_value_is_named_and_nothing_is_written(served, server, tmp_path, form):
    rows, out = tmp_path / f"rows.{form}", tmp_path / "out.csv"
    f = served["lgb_mixed"].case.frame.astype({"integer": "object" if form == "csv" else "float64"})
    f.loc[7, "integer"] = 1.7
    f.to_csv(rows, index=False) if form == "csv" else f.to_parquet(rows)
    done = run(server, "predict", "--model", "models:/lgb_mixed@champion", "--input", str(rows), "--output", str(out), check=False)
    assert done.returncode == 1 and '"integer"' in done.stderr and "expected" in done.stderr and not out.exists(), done
    if form == "csv":
        assert "1.7" in done.stderr and "line 9" in done.stderr, done


def test_what_is_missing_is_said(served, server, tmp_path):
    rows = tmp_path / "rows.csv"
    served["lgb_mixed"].case.frame.drop(columns="flag").to_csv(rows, index=False)
    out = str(tmp_path / "out.csv")
    for arguments, words in {
        ("--model", "models:/lgb_mixed@champion"): ['"flag"', "missing", "boolean"],
        ("--model", "models:/lgb_mixed@challenger"): ["challenger"],
        ("--model", "models:/nothing@champion"): ["nothing"],
        ("--model", "models:/lgb_mixed/9"): ["9"],
        ("--model", str(tmp_path)): ["MLmodel"],
    }.items():
        done = run(server, "predict", *arguments, "--input", str(rows), "--output", out, check=False)
        assert done.returncode == 1 and all(w in done.stderr for w in words), f"{arguments}: {done}"
