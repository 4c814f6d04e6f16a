// Package contract judges rows by declared data contracts: at the door of an
// endpoint row by row, and sets of rows (a file, a snapshot, a closed window) as a
// whole. It owns what each rule of a contract means, the compilation of a contract
// into one pass over columns, the relations between columns (CEL), the rows that
// are named as failing, the incidents that a broken contract opens, and the
// proposal of a contract from data.
//
// Two sorts of rules are kept apart. A row rule says of one value or one row that
// it is not allowed: a type, a range, a set, a pattern, a length, a relation, a part
// of the key that is missing, a missing value where none may be missing. A row that
// breaks one is a failing row wherever it is met, and OnFail decides what happens to
// it at the door. A set rule says something of many rows that no single row can
// break: a share of missing values, uniqueness, the number of rows, their age; it is
// judged on sets alone. A tolerance (maxOutside, maxUnknown, maxFailed) is about sets
// too: within it the set passes, and the rows are failing rows all the same.
//
// The package refuses to repair: no value is coerced, clipped or filled in. It does
// not guess either: a rule that cannot be judged on the columns that are there fails
// and says why. A contract that does not compile is refused with the place in the
// expression and the nearest name. It neither reads files nor serves requests; its
// callers hand in tables, and it never decides what is learnt from: rows are held by
// the incidents it opens.
package contract
