package filter

// PromptTag is the tag by which MLflow keeps prompts in the model registry.
const PromptTag = "mlflow.prompt.is_prompt"

// PromptMode says whether prompts are among the results of a search in the
// model registry.
type PromptMode uint8

const (
	WithoutPrompts PromptMode = iota // the objects that are no prompts, with or without the tag
	WithPrompts                      // whatever passes the filter
)

func (m PromptMode) String() string {
	if m == WithPrompts {
		return "with prompts"
	}
	return "without prompts"
}

// SplitPrompts applies MLflow's rule for prompts to a filter of registered
// models or model versions and returns what is left to apply. The first
// comparison with the tag mlflow.prompt.is_prompt decides. If it asks for
// prompts (= 'true' or != 'false', in any case of letters), the filter applies
// as it stands. If it does not, or there is none, prompts are left out, and all
// comparisons with the tag are dropped: != 'true' and = 'false' thus find the
// objects that lack the tag.
//
// The rule was made for conjunctions. A filter that has the tag below an OR or
// a NOT, where dropping a part would change the rest, applies as it stands.
// IS NOT NULL and an IN that 'true' passes ask for prompts.
func SplitPrompts(e Expr) (Expr, PromptMode) {
	clauses := []Expr{e}
	if and, ok := e.(And); ok {
		clauses = and.Exprs
	}
	var rest []Expr
	decided := false
	for _, clause := range clauses {
		if !aboutPrompts(clause) {
			if mentionsPrompts(clause) {
				return e, WithPrompts
			}
			rest = append(rest, clause)
			continue
		}
		if !decided && asksForPrompts(clause) {
			return e, WithPrompts
		}
		decided = true
	}
	return All(rest...), WithoutPrompts
}

// aboutPrompts reports whether a clause compares the tag itself.
func aboutPrompts(e Expr) bool {
	switch e := e.(type) {
	case Cmp:
		return e.Entity == Tag && e.Key == PromptTag
	case In:
		return e.Entity == Tag && e.Key == PromptTag
	case IsNull:
		return e.Entity == Tag && e.Key == PromptTag
	}
	return false
}

func mentionsPrompts(e Expr) bool {
	return !Walk(e, func(x Expr) bool { return !aboutPrompts(x) })
}

func asksForPrompts(e Expr) bool {
	switch e := e.(type) {
	case Cmp:
		return e.Op == Equal && equalFold(e.Value.Text, "true") || e.Op == NotEqual && equalFold(e.Value.Text, "false")
	case In:
		return Eval(e, promptRow{})
	case IsNull:
		return e.Negated
	}
	return false
}

// promptRow is an object that is a prompt and nothing else.
type promptRow struct{}

func (promptRow) Values(Entity, string) []Value { return []Value{Text("true")} }
