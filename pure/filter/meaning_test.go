package filter

import (
	"math"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestLike(t *testing.T) {
	tests := []struct {
		pattern, text string
		like, ilike   bool
	}{
		{"", "", true, true},
		{"", "a", false, false},
		{"%", "", true, true},
		{"%%", "anything", true, true},
		{"a%", "abc", true, true},
		{"a%", "Abc", false, true},
		{"%C", "abc", false, true},
		{"a_c", "abc", true, true},
		{"a_c", "ac", false, false},
		{"_", "ß", true, true},
		{"_", "", false, false},
		{"__", "日本", true, true},
		{"größe", "GRÖSSE", false, false},
		{"GRÖßE", "größe", false, true},
		{"%ab%ab%", "abab", true, true},
		{"%ab%ab%", "aab", false, false},
		{`100\%`, "100%", false, false}, // no escape character
		{`100\%`, `100\x`, true, true},
		{"a.c", "abc", false, false},
		{"[a]", "a", false, false},
		{"%a", "a\n", false, false},
		{"%", "\xff\xfe", true, true},
		{"_\xfe", "\xff\xfe", true, true},
		{"\xff", "\xfe", false, false},
		{"\uFFFD", "\xff", false, false},
	}
	for _, tt := range tests {
		if got := (Like{Pattern: tt.pattern}).Match(tt.text); got != tt.like {
			t.Errorf("%q LIKE %q = %v", tt.text, tt.pattern, got)
		}
		if got := (Like{Pattern: tt.pattern, CaseInsensitive: true}).Match(tt.text); got != tt.ilike {
			t.Errorf("%q ILIKE %q = %v", tt.text, tt.pattern, got)
		}
	}
}

// TestLikeAgreesWithRegexp checks the matcher against the obvious translation.
func TestLikeAgreesWithRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringOfN(rapid.RuneFrom([]rune("ab%_é")), 0, 8, -1).Draw(t, "pattern")
		text := rapid.StringOfN(rapid.RuneFrom([]rune("abé\n")), 0, 10, -1).Draw(t, "text")
		re := regexp.QuoteMeta(pattern)
		re = strings.ReplaceAll(strings.ReplaceAll(re, "%", ".*"), "_", ".")
		want := regexp.MustCompile(`(?s)\A` + re + `\z`).MatchString(text)
		if got := (Like{Pattern: pattern}).Match(text); got != want {
			t.Fatalf("%q LIKE %q = %v, regexp says %v", text, pattern, got, want)
		}
	})
}

func TestLikeAllocatesNothing(t *testing.T) {
	l := Like{Pattern: "%pre%_mid%ÄX", CaseInsensitive: true}
	text := strings.Repeat("pre mid ", 50) + "äx"
	if n := testing.AllocsPerRun(100, func() {
		if !l.Match(text) {
			t.Fatal("no match")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// row is an object for Eval: canonical names to values.
type row map[string][]Value

func (r row) Values(e Entity, key string) []Value { return r[Spell(e, key)] }

func TestEval(t *testing.T) {
	r := row{
		"status":        {Text("FINISHED")},
		"start_time":    {{Kind: KindNumber, Text: "9007199254740993", Number: 9007199254740992}},
		"metrics.a":     {Number(0.5)},
		"metrics.nan":   {Number(math.NaN())},
		"params.lr":     {Text("0.1")},
		"params.empty":  {Text("")},
		"datasets.name": {Text("Train"), Text("test")},
	}
	tests := []struct {
		filter string
		want   bool
	}{
		{"", true},
		{"metrics.a > 0.4 AND params.lr = '0.1'", true},
		{"metrics.a > 0.4 AND params.lr = '0.2'", false},
		{"metrics.a > 0.6 OR status LIKE 'FIN%'", true},
		{"metrics.a BETWEEN 0.5 AND 0.5", true},
		{"metrics.a BETWEEN 1 AND 0", false},
		{"metrics.a NOT BETWEEN 1 AND 2", true},
		{"metrics.a IN (0.25, 5e-1)", true},
		{"metrics.a NOT IN (0.5)", false},
		// Absent keys: MLflow joins, so nothing but IS NULL and NOT finds them.
		{"metrics.none != 1", false},
		{"params.none != 'x'", false},
		{"params.none NOT IN ('x')", false},
		{"params.none NOT LIKE 'x'", false},
		{"metrics.none NOT BETWEEN 0 AND 1", false},
		{"params.none IS NULL", true},
		{"NOT params.none = 'x'", true},
		{"params.empty IS NULL", false},
		{"params.empty IS NOT NULL AND params.empty = ''", true},
		// NaN is no 0 and on no side of it.
		{"metrics.nan = 0", false},
		{"metrics.nan != 0", true},
		{"metrics.nan < 0 OR metrics.nan >= 0", false},
		{"metrics.nan = NaN", true},
		{"metrics.nan != NaN", false},
		{"metrics.a != NaN", true},
		{"metrics.nan IS NULL", false},
		{"metrics.nan NOT BETWEEN 0 AND 1", true},
		// One of several values suffices, list values keep their case.
		{"dataset.name IN ('Train')", true},
		{"dataset.name = 'Train' AND dataset.name = 'test'", true},
		{"dataset.name != 'Train'", true},
		{"dataset.name NOT IN ('Train', 'test')", false},
		{"NOT dataset.name = 'Train'", false},
		// Integers beyond 2^53 are exact.
		{"start_time = 9007199254740993", true},
		{"start_time = 9007199254740992", false},
		{"start_time > 9007199254740992", true},
		{"start_time > 9007199254740992.0", false},
		{"status = 'finished'", false},
		{"status ILIKE 'finished'", true},
		{"status NOT ILIKE 'finished'", false},
		{"metrics.a < 1e400", true},
	}
	for _, tt := range tests {
		e, err := Parse(Runs, tt.filter)
		if err != nil {
			t.Errorf("%q: %v", tt.filter, err)
			continue
		}
		if got := Eval(e, r); got != tt.want {
			t.Errorf("%q = %v, want %v", tt.filter, got, tt.want)
		}
	}
}

// expressions generates trees in the form that Parse gives them.
func expressions(d *Dialect) *rapid.Generator[Expr] {
	key := rapid.Custom(func(t *rapid.T) string {
		return rapid.OneOf(rapid.StringMatching(`[a-z0-9_.äß]{1,6}`), rapid.StringMatching("[^\x00`]{1,6}")).Draw(t, "key")
	})
	text := rapid.OneOf(rapid.StringMatching(`[^']{0,6}`), rapid.StringMatching(`[^"]{0,6}`), rapid.StringMatching(`(''|"|x){0,4}`))
	number := rapid.Custom(func(t *rapid.T) Value { return Number(rapid.Float64().Draw(t, "number")) })
	columns := d.Columns()
	clause := rapid.Custom(func(t *rapid.T) Expr {
		entity := rapid.SampledFrom([]Entity{Attribute, Metric, Param, Tag, Dataset}).Filter(d.has).Draw(t, "entity")
		name := key.Draw(t, "name")
		switch entity {
		case Attribute:
			i := rapid.IntRange(0, len(columns)-1).Filter(func(i int) bool { return !columns[i].noFilter }).Draw(t, "column")
			name = columns[i].Name
		case Dataset:
			name = rapid.SampledFrom(datasetKeys).Draw(t, "dataset")
		}
		kind, ok := d.Kind(entity, name)
		if !ok {
			t.Fatalf("%s have no %s", d.Name(), Spell(entity, name))
		}
		value := func() Value {
			if kind == KindNumber {
				return number.Draw(t, "value").orZero(entity)
			}
			return Text(text.Draw(t, "value"))
		}
		negated := rapid.Bool().Draw(t, "negated")
		switch form := rapid.IntRange(0, 3).Draw(t, "form"); {
		case form == 0:
			return IsNull{entity, name, negated}
		case form == 1:
			var values []Value
			for range rapid.IntRange(1, 3).Draw(t, "values") {
				values = append(values, value())
			}
			return In{entity, name, values, negated}
		case form == 2 && kind == KindNumber:
			return Between{entity, name, value(), value(), negated}
		}
		ops := []Op{Equal, NotEqual, LikeOp, NotLike, ILikeOp, NotILike}
		if kind == KindNumber {
			ops = []Op{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual}
		}
		return Cmp{entity, name, rapid.SampledFrom(ops).Draw(t, "op"), value()}
	})
	var tree func(depth int) *rapid.Generator[Expr]
	tree = func(depth int) *rapid.Generator[Expr] {
		if depth == 0 {
			return clause
		}
		return rapid.Custom(func(t *rapid.T) Expr {
			below := tree(depth - 1)
			switch rapid.IntRange(0, 3).Draw(t, "node") {
			case 0:
				return Not{below.Draw(t, "not")}
			case 1:
				return All(rapid.SliceOfN(below, 1, 3).Draw(t, "and")...)
			case 2:
				return anyOf(rapid.SliceOfN(below, 1, 3).Draw(t, "or"))
			}
			return clause.Draw(t, "clause")
		})
	}
	return tree(3)
}

// orZero replaces an infinity where only a metric can have one.
func (v Value) orZero(e Entity) Value {
	if math.IsInf(v.Number, 0) && e != Metric {
		return Number(0)
	}
	return v
}

func TestCanonicalFormMeansTheSame(t *testing.T) {
	for _, d := range Dialects() {
		t.Run(d.Name(), func(t *testing.T) {
			trees := expressions(d)
			rapid.Check(t, func(t *rapid.T) {
				e := trees.Draw(t, "tree")
				text := e.String()
				again, err := Parse(d, text)
				if err != nil {
					t.Fatalf("%s: %v", text, err)
				}
				if diff := same(e, again); diff != "" {
					t.Fatalf("%s means something else (-want +got):\n%s", text, diff)
				}
			})
		})
	}
}

func TestSplitPrompts(t *testing.T) {
	const tag = "tags.`mlflow.prompt.is_prompt`"
	tests := []struct {
		filter, rest string
		mode         PromptMode
	}{
		{"", "", WithoutPrompts},
		{"name = 'x'", "name = 'x'", WithoutPrompts},
		{tag + " = 'true'", tag + " = 'true'", WithPrompts},
		{tag + " = 'TRUE'", tag + " = 'TRUE'", WithPrompts},
		{tag + " != 'False'", tag + " != 'False'", WithPrompts},
		{tag + " != 'true'", "", WithoutPrompts},
		{tag + " = 'false'", "", WithoutPrompts},
		{tag + " LIKE 'true'", "", WithoutPrompts},
		{"name = 'x' AND " + tag + " = 'true'", "name = 'x' AND " + tag + " = 'true'", WithPrompts},
		{"name = 'x' AND " + tag + " != 'true' AND tags.a = 'b'", "name = 'x' AND tags.a = 'b'", WithoutPrompts},
		// The first comparison decides.
		{tag + " = 'false' AND " + tag + " = 'true'", "", WithoutPrompts},
		{tag + " = 'true' AND " + tag + " = 'false'", tag + " = 'true' AND " + tag + " = 'false'", WithPrompts},
		// Beyond MLflow's grammar.
		{tag + " IS NULL", "", WithoutPrompts},
		{tag + " IS NOT NULL", tag + " IS NOT NULL", WithPrompts},
		{tag + " IN ('true')", tag + " IN ('true')", WithPrompts},
		{tag + " NOT IN ('true')", "", WithoutPrompts},
		{"name = 'x' OR " + tag + " = 'true'", "name = 'x' OR " + tag + " = 'true'", WithPrompts},
		{"name = 'x' OR name = 'y'", "name = 'x' OR name = 'y'", WithoutPrompts},
		{"params = 'x'", "error", WithoutPrompts},
	}
	for _, tt := range tests {
		e, err := Parse(RegisteredModels, tt.filter)
		if err != nil {
			if tt.rest != "error" {
				t.Errorf("%q: %v", tt.filter, err)
			}
			continue
		}
		rest, mode := SplitPrompts(e)
		got := ""
		if rest != nil {
			got = strings.ReplaceAll(rest.String(), "tags.mlflow.prompt.is_prompt", tag)
		}
		if got != tt.rest || mode != tt.mode {
			t.Errorf("SplitPrompts(%s) = %s, %s, want %s, %s", tt.filter, got, mode, tt.rest, tt.mode)
		}
	}
}

func TestComplete(t *testing.T) {
	spell := func(orders []Order) string {
		var texts []string
		for _, o := range orders {
			texts = append(texts, o.String())
		}
		return strings.Join(texts, ", ")
	}
	tests := []struct {
		dialect *Dialect
		clauses []string
		want    string
	}{
		{Runs, nil, "start_time DESC, run_id ASC"},
		{Runs, []string{"metrics.a"}, "metrics.a ASC, start_time DESC, run_id ASC"},
		{Runs, []string{"start_time"}, "start_time ASC, run_id ASC"},
		{Experiments, nil, "creation_time DESC, experiment_id ASC"},
		{Experiments, []string{"name"}, "name ASC, experiment_id DESC"},
		{RegisteredModels, nil, "name ASC"},
		{RegisteredModels, []string{"timestamp DESC"}, "last_updated_timestamp DESC, name ASC"},
		{ModelVersions, nil, "last_updated_timestamp DESC, name ASC, version_number DESC"},
		{ModelVersions, []string{"creation_timestamp"}, "creation_timestamp ASC, name ASC, version_number DESC"},
		{LoggedModels, nil, "creation_timestamp DESC, model_id ASC"},
	}
	for _, tt := range tests {
		asked, err := ParseOrder(tt.dialect, tt.clauses)
		if err != nil {
			t.Errorf("%s %q: %v", tt.dialect.Name(), tt.clauses, err)
			continue
		}
		if got := spell(tt.dialect.Complete(asked)); got != tt.want {
			t.Errorf("%s %q: %s, want %s", tt.dialect.Name(), tt.clauses, got, tt.want)
		}
	}
	// What is handed out cannot change the tables.
	Runs.DefaultOrder()[0].Key = "x"
	Runs.Columns()[0].Name = "x"
	if got := spell(Runs.Complete(nil)); got != "start_time DESC, run_id ASC" {
		t.Errorf("the default order became %s", got)
	}
}

func TestOrderBy(t *testing.T) {
	tests := []struct {
		field Field
		want  Order
		ok    bool
	}{
		{Field{Name: "metrics.acc", Descending: true, DatasetName: "d", DatasetDigest: "1"}, Order{Metric, "acc", true, "d", "1"}, true},
		{Field{Name: "metrics.`a b`"}, Order{Entity: Metric, Key: "a b"}, true},
		{Field{Name: "metrics.desc"}, Order{Entity: Metric, Key: "desc"}, true},
		{Field{Name: "creation_time"}, Order{Entity: Attribute, Key: "creation_timestamp"}, true},
		{Field{Name: "metrics.acc", DatasetDigest: "1"}, Order{}, false},
		{Field{Name: "name", DatasetName: "d"}, Order{}, false},
		{Field{Name: "name\tdesc"}, Order{}, false},
		{Field{Name: "params.lr"}, Order{}, false},
		{Field{Name: "foo"}, Order{}, false},
		{Field{}, Order{}, false},
	}
	for _, tt := range tests {
		got, err := OrderBy(LoggedModels, []Field{tt.field})
		if (err == nil) != tt.ok {
			t.Errorf("%+v: error %v, want ok = %v", tt.field, err, tt.ok)
			continue
		}
		if err != nil {
			inside(t, err, tt.field.Name)
			continue
		}
		if diff := cmp.Diff([]Order{tt.want}, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.field, diff)
		}
	}
	both := []Field{{Name: "metrics.a", DatasetName: "d"}, {Name: "metrics.a", DatasetName: "e"}}
	if _, err := OrderBy(LoggedModels, both); err != nil {
		t.Errorf("one metric on two datasets: %v", err)
	}
	both[1].DatasetName = "d"
	if _, err := OrderBy(LoggedModels, both); err == nil {
		t.Error("one field twice passes")
	}
}

func TestKind(t *testing.T) {
	tests := []struct {
		dialect *Dialect
		entity  Entity
		key     string
		kind    Kind
		ok      bool
	}{
		{Runs, Attribute, "start_time", KindNumber, true},
		{Runs, Attribute, "created", KindText, false},
		{Runs, Metric, "any", KindNumber, true},
		{Runs, Dataset, "name", KindText, true},
		{Runs, Dataset, "source", KindText, false},
		{Experiments, Metric, "a", KindText, false},
		{ModelVersions, Attribute, "version_number", KindNumber, true},
	}
	for _, tt := range tests {
		kind, ok := tt.dialect.Kind(tt.entity, tt.key)
		if kind != tt.kind || ok != tt.ok {
			t.Errorf("%s %s: %s, %v", tt.dialect.Name(), Spell(tt.entity, tt.key), kind, ok)
		}
	}
}
