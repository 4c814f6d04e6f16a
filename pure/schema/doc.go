// Package schema holds MLflow model signatures and makes tables of what clients send to a model that has one.
// It owns the parsing and printing of signatures as they stand in an MLmodel file, the decoding of the bodies of
// MLflow's /invocations and of the JSON tensors of the Open Inference Protocol V2, and the enforcement of a
// signature on a table.
//
// Typing follows MLflow's two stages. Stage one casts what was parsed to the declared type: that is Decoder for JSON
// and CSV and Cast for tensors. Stage two checks a table whose columns have types of their own, such as one read from
// Parquet: that is Enforce. Where this package differs from MLflow it refuses what MLflow would change without a word:
//
//   - a fraction for an integer or long column (1.7; MLflow cuts it to 1) is an error, unless Options.Lossy;
//   - an int or float beyond the declared type (MLflow wraps it around or makes it infinite) is an error;
//   - a boolean column takes true, false, 1 and 0 (MLflow takes anything, and null as false);
//   - a datetime column takes times and whole nanoseconds (MLflow cuts fractions, and reads "" as null);
//   - a row of a split frame has as many values as there are columns (pandas fills a short one with null);
//   - null is a value of a binary column (MLflow refuses it);
//   - a string column takes strings and null (MLflow passes numbers through unchanged);
//   - base64 must be base64 (MLflow skips other characters), times with a zone are taken and become UTC (MLflow
//     refuses them), numbers in strings are read without "_";
//   - an optional column that is absent becomes a column of nulls (MLflow leaves it out);
//   - an unquoted CSV field is null for the words that pandas knows; a quoted one never is.
//
// Without a signature types are inferred as pandas infers them from JSON: booleans Bool, whole numbers Int64, whole
// numbers with null or other numbers Float64, strings String, nulls alone Float64. What pandas keeps as objects (kinds
// mixed in one column, nested values, whole numbers beyond int64) is an error.
//
// Columns that the signature does not name are not dropped but handed over apart, since a request may carry its id or
// event time in one. The package refuses nested column types (array, object, map, any) with their name. It knows
// nothing of HTTP beyond a content type, nor of models.
package schema
