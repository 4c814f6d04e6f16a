// Package filter owns the search language of the tracking store and the model
// registry: it reads MLflow's filter and order_by texts, one dialect per
// searchable noun, and turns them into one expression tree. It accepts what
// MLflow accepts with the same meaning and extends it with OR, NOT,
// parentheses, BETWEEN, IS NULL and IN on every key, so that a client written
// for MLflow notices nothing and a person gets the rest of the language.
//
// It refuses to touch data: the store compiles the tree to SQL, and [Eval] is
// the reference meaning that the compiled form is tested against. It refuses
// to guess as well: a text that is not understood is a [SyntaxError] that
// names the place, the reason and, where one is near, the text that was
// probably meant.
//
// # Grammar
//
//	filter  = [ or ]
//	or      = and { "OR" and }
//	and     = { "AND" } unary { { "AND" } unary } { "AND" }
//	unary   = "NOT" unary | "(" or ")" | compare
//	compare = name op value
//	        | name [ "NOT" ] ( "LIKE" | "ILIKE" ) string
//	        | name [ "NOT" ] "IN" "(" value { "," value } [ "," ] ")"
//	        | name [ "NOT" ] "BETWEEN" number "AND" number
//	        | name "IS" [ "NOT" ] "NULL"
//	op      = "=" | "==" | "!=" | "<>" | "<" | "<=" | ">" | ">="
//	name    = attribute | entity "." key
//	key     = letters, digits, "_" and "." | "`" any "`" | '"' any '"'
//
// Words of the language are recognised in any case, prefixes and keys are case
// sensitive. Stray ANDs are ignored and a missing one is implied, as clients
// rely on both; the dialect of logged models insists on an AND between
// comparisons, because there a value may stand unquoted. The empty text means
// everything; a text of spaces alone is an error.
//
// A doubled quote inside a quoted string or key belongs to it and stays
// doubled, as in MLflow; a text with one kind of quote is written in the other
// kind. A backslash is an ordinary character.
package filter
