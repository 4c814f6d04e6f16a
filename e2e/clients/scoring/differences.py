"""Where this server answers otherwise than MLflow's, on purpose, and why. Nothing else may differ.

Beside these, in every answer: an error has no stack trace, which is nobody's business but the server's, and says
column, row, what was expected and what came in place of MLflow's dump of the whole input. And an answer is always
JSON: where MLflow writes the tokens Infinity and NaN, an infinite prediction is an error and a missing one null.
"""

import re
from typing import NamedTuple


class Difference(NamedTuple):
    why: str
    ours: int
    theirs: int
    models: str  # patterns of whole names
    requests: str

    def covers(self, model, request, ours, theirs):
        return (ours, theirs) == (self.ours, self.theirs) and re.fullmatch(self.models, model) and re.fullmatch(self.requests, request)


DIFFERENCES = [
    Difference("MLflow makes any number, text, list or null a boolean; only true, false, 1 and 0 are", 400, 200, ".*", r".* (into|of) bool"),
    Difference("MLflow cuts a fraction off for a column of whole numbers", 400, 200, ".*", "(fraction|5e-324) into int(32|64)"),
    Difference("MLflow wraps a whole number around that does not fit its column", 400, 200, ".*", r"(1e39|2\*\*31|2\*\*53\+1|2\*\*63) into int(32|64)"),
    Difference("MLflow makes a number infinite that does not fit its column", 400, 200, ".*", "-?1e400 into float(32|64)|1e39 into float32"),
    Difference("pandas fills a short row with nulls, which hides that values and columns are out of step", 400, 200, ".*", "short row"),
    Difference("no rows have an answer, which is no answers; LightGBM fails on them, and XGBoost where types are unknown", 200, 400, "lgb_.*|xgb_unsigned", "empty (frame|csv|records|frame without columns)"),
    Difference("an optional column that is absent is one of nulls; MLflow leaves it out, and the library fails", 200, 400, "(lgb|xgb)_optional", "no last column.*|one unknown name"),
    Difference("Parquet is for files, which `trimtab predict` scores", 415, 200, ".*", "parquet"),
    # A column of pandas categories: MLflow hands its values over as they are, and never as the categories of the training.
    Difference("Parquet is for files, which `trimtab predict` scores", 415, 400, ".*", "parquet"),
    Difference("categories are looked up; LightGBM refuses plain values where it was trained with categories, and XGBoost text", 200, 400, "lgb_(categories|texts)|xgb_(texts|text_regressor)", ".*"),
    Difference("categories are looked up; XGBoost takes a whole number for the code of a category, which is another one, and answers without a word", 200, 200, "xgb_categories", ".*"),
    Difference("XGBoost refuses a category that it was not trained with, but not where it takes it for a code", 400, 200, "xgb_categories", "unknown category"),
    # Without a signature.
    Difference("columns are found by their names in the model where LightGBM takes them in the order they come", 200, 200, "lgb_unsigned", ".* shuffled"),
    Difference("columns are found by their names in the model where XGBoost wants its order", 200, 400, "xgb_unsigned", ".* shuffled"),
    Difference("columns that are no features are left aside", 200, 400, "(lgb|xgb)_unsigned", ".* with an extra column"),
    Difference("rows and columns are read from these forms without a signature as well", 200, 400, "(lgb|xgb)_unsigned", "instances|inputs|instances are rows"),
    Difference("rows without names are taken in the order of the features", 200, 400, "xgb_unsigned", "no columns named"),
    Difference("a column of nulls is missing values, not objects", 200, 400, "(lgb|xgb)_unsigned", "all null into float64"),
    Difference("whole numbers beyond 64 bits with sign have no column type of their own", 400, 200, "(lgb|xgb)_unsigned", r"2\*\*63 into float64|csv: 10\*\*30 into float64"),
    Difference("a partly unknown set of names is refused where LightGBM takes any by position", 400, 200, "lgb_unsigned", "one unknown name"),
]


def explained(model, request, ours, theirs):
    """The difference that covers these statuses, or None."""
    return next((d for d in DIFFERENCES if d.covers(model, request, ours, theirs)), None)
