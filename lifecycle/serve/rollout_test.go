package serve

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// plane is a server with one endpoint e of two versions: 1 is a probability, 2 a
// number, of the same columns. Version 2 has a signature that names them backwards
// when turned is set, so that it reads requests in another way.
type plane struct {
	*shelf
	server *Server
	one    *Model // reference answers of both versions
	two    *Model
}

func newPlane(t testing.TB, turned bool) *plane {
	t.Helper()
	p := &plane{shelf: newShelf(t)}
	first := xgboost(golden(t, "xgboost-2.1.4/logistic"), "xgboost.core.Booster", "")
	second := xgboost(golden(t, "xgboost-2.1.4/squared"), "xgboost.core.Booster", "")
	if turned {
		first["MLmodel"] = xgboost("", "xgboost.core.Booster", signature())["MLmodel"]
		var back []string
		for k := range width {
			back = append(back, fmt.Sprintf(`{"type":"double","name":"%c","required":true}`, 'f'-k))
		}
		second["MLmodel"] = xgboost("", "xgboost.core.Booster", "["+strings.Join(back, ",")+"]")["MLmodel"]
	}
	p.register(first)
	p.register(second)
	for i, f := range []map[string]string{first, second} {
		m, err := Load(t.Context(), files(f), Options{})
		if err != nil {
			t.Fatal(err)
		}
		*[]**Model{&p.one, &p.two}[i] = m
	}
	p.alias = 1
	p.server = p.shelf.server()
	p.declare("e", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}, Rollout: &trimtab.RolloutSpec{}, Logging: trimtab.EndpointLogging{Durability: "durable", RequestID: "id"}})
	p.reconcile()
	return p
}

func (p *plane) reconcile() {
	p.t.Helper()
	if err := p.server.Reconcile(p.t.Context(), "default", "e"); err != nil {
		p.t.Fatal(err)
	}
}

func (p *plane) endpoint() *Endpoint {
	p.t.Helper()
	e, err := p.server.Endpoint("default", "e")
	if err != nil {
		p.t.Fatal(err)
	}
	return e
}

// body is a request of rows whose ids and values are told by their numbers.
func body(names []string, rows ...int) []byte {
	var b strings.Builder
	customer := names[0] == "a" // without a signature it would be one input too many
	b.WriteString(`{"dataframe_split":{"columns":["` + strings.Join(names, `","`) + `","id"`)
	if customer {
		b.WriteString(`,"customer"`)
	}
	b.WriteString(`],"data":[`)
	for k, i := range rows {
		if k > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('[')
		for j := range names {
			fmt.Fprintf(&b, "%v,", value(i, j))
		}
		fmt.Fprintf(&b, `"r%d"`, i)
		if customer {
			fmt.Fprintf(&b, `,"c%d"`, i%7)
		}
		b.WriteByte(']')
	}
	return []byte(b.String() + "]}}")
}

func value(i, j int) float64 { return float64((i*7+j*3)%11)/3 - 1.5 }

var unnamedColumns, namedColumns = []string{"0", "1", "2", "3", "4", "5"}, []string{"a", "b", "c", "d", "e", "f"}

// reply is what a request was answered.
type reply struct {
	answers  []float64
	versions string
	variants string
	err      error
}

func (p *plane) ask(names []string, rows ...int) (r reply) {
	p.t.Helper()
	c, err := p.endpoint().Begin()
	if err != nil {
		return reply{err: err}
	}
	defer func() { c.End(r.err) }()
	if r.err = c.Invocations(p.t.Context(), body(names, rows...), "application/json", Meta{RequestID: "q"}); r.err != nil {
		return r
	}
	for i := range c.Rows() {
		r.answers = append(r.answers, c.Row(i)...)
	}
	v, w := c.Headers()
	r.versions, r.variants = strings.Join(v, "|"), strings.Join(w, "|")
	return r
}

// want is what version v answers for a row.
func (p *plane) want(v trimtab.Version, i int) float64 {
	p.t.Helper()
	t := &table.Table{}
	m := p.one
	if v == 2 {
		m = p.two
	}
	for j := range width {
		k := j
		if v == 2 && m.inputs != nil {
			k = width - 1 - j // its signature is backwards
		}
		name := fmt.Sprint(j)
		if m.inputs != nil {
			name = m.inputs[j].Name
		}
		c := table.NewColumn(name, table.Float64, 1)
		c.AppendFloat64(value(i, k))
		t.Columns = append(t.Columns, c)
	}
	out, err := m.Score(nil, t)
	if err != nil {
		p.t.Fatal(err)
	}
	return out[0]
}

// logged reads what was logged: "ID version variant".
func (p *plane) logged() (out []string, rows *traffic.Rows) {
	p.t.Helper()
	for r, err := range p.endpoint().Log().Tables(p.t.Context(), traffic.Query{Inputs: true}) {
		if err != nil {
			p.t.Fatal(err)
		}
		for i := range r.Len() {
			out = append(out, fmt.Sprintf("%s %d %s", r.IDs[i], r.Versions[i], r.Variant[i]))
		}
		rows = r
	}
	return out, rows
}

// TestSplit: each row of a request is answered by the version that its unit belongs
// to, in its place, and logged as that, whichever way the versions read requests.
func TestSplit(t *testing.T) {
	var rows []int
	for i := range 40 {
		rows = append(rows, i)
	}
	for _, c := range []struct {
		turned bool
		key    string
		unit   func(i int) string
	}{
		{false, "", func(i int) string { return fmt.Sprintf("r%d", i) }},
		{true, "", func(i int) string { return fmt.Sprintf("r%d", i) }},
		{true, "absent", func(i int) string { return fmt.Sprintf("r%d", i) }},
		{true, "customer", func(i int) string { return fmt.Sprintf("c%d", i%7) }},
		{true, "b", func(i int) string {
			c := table.NewColumn("", table.Float64, 1)
			c.AppendFloat64(value(i, 1))
			return c.Text(0)
		}},
	} {
		t.Run(fmt.Sprint(c.turned, c.key), func(t *testing.T) {
			p := newPlane(t, c.turned)
			names := unnamedColumns
			if c.turned {
				names = namedColumns
			}
			p.roll(p.server, func(r *trimtab.Rollout) { r.Share, r.Spec.Canary = 0.5, &trimtab.CanarySpec{Key: c.key} })
			r := p.ask(names, rows...)
			if r.err != nil {
				t.Fatal(r.err)
			}
			var log []string
			for i := range rows {
				v, variant := trimtab.Version(1), Stable
				if Bucket("salt", c.unit(i)) < 5000 {
					v, variant = 2, Canary
				}
				if r.answers[i] != p.want(v, i) {
					t.Errorf("row %d: %v, want %v of version %d", i, r.answers[i], p.want(v, i), v)
				}
				log = append(log, fmt.Sprintf("r%d %d %s", i, v, variant))
			}
			if r.versions != "1, 2" || r.variants != "stable, canary" {
				t.Errorf("headers %q %q", r.versions, r.variants)
			}
			got, all := p.logged()
			for i, id := range all.IDs {
				var n int
				if _, err := fmt.Sscanf(id, "r%d", &n); err != nil {
					t.Fatal(err)
				}
				if c := all.Inputs.Column(names[3]); c.Float64s[i] != value(n, 3) || all.Output[i] != r.answers[n] {
					t.Errorf("row %s is logged with input %v and answer %v, want %v and %v", id, c.Float64s[i], all.Output[i], value(n, 3), r.answers[n])
				}
			}
			slices.Sort(got)
			slices.Sort(log)
			if !slices.Equal(got, log) {
				t.Errorf("logged %v, want %v", got, log)
			}
			for v, n := range map[trimtab.Version]int64{1: 1, 2: 1} {
				if requests, failed := p.endpoint().Counts(v); requests != n || failed != 0 {
					t.Errorf("version %d: %d requests, %d failed", v, requests, failed)
				}
			}
		})
	}
}

// TestSticky: a unit is answered by the same version request after request, and one
// that has come to the next version stays with it while its share grows.
func TestSticky(t *testing.T) {
	p := newPlane(t, false)
	with := map[int]bool{}
	for _, share := range []float64{0, 0.1, 0.4, 1} {
		p.roll(p.server, func(r *trimtab.Rollout) { r.Share = share })
		for i := range 30 {
			first, again := p.ask(unnamedColumns, i), p.ask(unnamedColumns, i, 99)
			if first.err != nil || first.answers[0] != again.answers[0] {
				t.Fatalf("unit %d: %+v, then %+v", i, first, again)
			}
			next := first.versions == "2"
			if want := map[bool]string{false: Stable, true: Canary}[next]; first.variants != want {
				t.Fatalf("variant %q of version %s", first.variants, first.versions)
			}
			if with[i] && !next {
				t.Fatalf("unit %d leaves at share %v", i, share)
			}
			with[i] = next
		}
	}
	if len(with) != 30 || slices.Contains(slices.Collect(maps.Values(with)), false) {
		t.Errorf("not all units are answered by version 2 in the end: %v", with)
	}
}

// TestTakeOver follows one rollout from the first version to its end.
func TestTakeOver(t *testing.T) {
	p := newPlane(t, false)
	expect := func(what, versions string) {
		t.Helper()
		if r := p.ask(unnamedColumns, 0); r.err != nil || r.versions != versions {
			t.Errorf("%s: version %s, %v; want %s", what, r.versions, r.err, versions)
		}
	}
	expect("the first version", "1")
	if r := p.ask(unnamedColumns, 0); r.variants != "" {
		t.Errorf("variant %q without a rollout", r.variants)
	}
	p.alias = 2
	p.reconcile()
	expect("the alias alone", "1")
	if err := p.server.Loaded("default", "e", 2); !trimtab.IsKind(err, trimtab.Unavailable) {
		t.Errorf("version 2 before its rollout: %v", err)
	}
	p.roll(p.server, func(r *trimtab.Rollout) { r.State = trimtab.RolloutShadow })
	expect("shadow", "1")
	if err := p.server.Loaded("default", "e", 2); err != nil {
		t.Errorf("version 2 in the shadow: %v", err)
	}
	p.roll(p.server, func(r *trimtab.Rollout) { r.State, r.Share = trimtab.RolloutCanary, 1 })
	expect("canary of all", "2")
	p.roll(p.server, func(r *trimtab.Rollout) { r.State = trimtab.RolloutBaking })
	expect("baking", "2")
	p.roll(p.server, func(r *trimtab.Rollout) { r.State = trimtab.RolloutPromoted })
	expect("promoted", "2")
	if st := p.endpoint().Status(); st.Version != 2 || st.Rollout != "e.1" || st.Stage != trimtab.RolloutPromoted || st.Candidate != 0 {
		t.Errorf("status %+v", st)
	}

	// The alias moves on; another process serves what this one did, not what the alias says.
	p.alias = 1
	p.server = p.shelf.server()
	p.reconcile()
	expect("after a restart", "2")
	p.rollouts = nil
	p.server = p.shelf.server()
	p.reconcile()
	expect("after a restart, without rollouts", "2")
	p.declare("e", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}, Logging: trimtab.EndpointLogging{RequestID: "id"}})
	p.reconcile()
	expect("no rollout declared", "1")
}

// TestAbort: a stop takes effect at once and outlasts every reconcile until the rollout has ended.
func TestAbort(t *testing.T) {
	for _, state := range []trimtab.RolloutState{trimtab.RolloutCanary, trimtab.RolloutPromoting, trimtab.RolloutBaking} {
		t.Run(string(state), func(t *testing.T) {
			p := newPlane(t, false)
			if err := p.server.Abort("default", "e"); !trimtab.IsKind(err, trimtab.Precondition) {
				t.Errorf("nothing to stop: %v", err)
			}
			p.roll(p.server, func(r *trimtab.Rollout) { r.State, r.Share = state, 1 })
			if r := p.ask(unnamedColumns, 0); r.versions != "2" {
				t.Fatalf("before: %+v", r)
			}
			// While a load is under way the stop waits for nothing.
			p.endpoint().moving.Lock()
			err := p.server.Abort("default", "e")
			p.endpoint().moving.Unlock()
			if err != nil {
				t.Fatal(err)
			}
			if r := p.ask(unnamedColumns, 0); r.versions != "1" || r.answers[0] != p.want(1, 0) {
				t.Errorf("stopped: %+v", r)
			}
			p.reconcile()
			p.roll(p.server, func(r *trimtab.Rollout) { r.Step++ })
			if r := p.ask(unnamedColumns, 0); r.versions != "1" {
				t.Errorf("after a reconcile: %+v", r)
			}
			if !slices.ContainsFunc(p.endpoint().Status().Conditions, func(c trimtab.Condition) bool { return c.Type == Aborted && c.Status }) {
				t.Errorf("conditions %+v", p.endpoint().Status().Conditions)
			}
			p.roll(p.server, func(r *trimtab.Rollout) { r.State, r.Share = trimtab.RolloutRolledBack, 0 })
			if r := p.ask(unnamedColumns, 0); r.versions != "1" || r.variants != "" {
				t.Errorf("rolled back: %+v", r)
			}
			p.roll(p.server, func(r *trimtab.Rollout) { r.ID, r.State, r.Share = "e.2", trimtab.RolloutCanary, 1 })
			if r := p.ask(unnamedColumns, 0); r.versions != "2" {
				t.Errorf("the next rollout: %+v", r)
			}
		})
	}
}

// TestCandidateFails: a version that cannot be loaded changes nothing but a condition; one that fails requests is counted.
func TestCandidateFails(t *testing.T) {
	p := newPlane(t, true)
	damaged := p.register(map[string]string{"MLmodel": "flavors: {}"})
	labels := p.register(xgboost(golden(t, "xgboost-2.1.4/logistic"), "xgboost.sklearn.XGBClassifier", ""))
	other := p.register(xgboost(golden(t, "xgboost-2.1.4/logistic"), "xgboost.core.Booster", strings.ReplaceAll(signature(), `"c"`, `"z"`)))
	for version, want := range map[trimtab.Version]string{damaged: "no flavor python_function", labels: "a share of requests cannot go to it", 99: "has no version 99"} {
		p.roll(p.server, func(r *trimtab.Rollout) { r.To, r.Share = version, 1 })
		if r := p.ask(namedColumns, 0); r.err != nil || r.versions != "1" || r.variants != Stable {
			t.Errorf("version %d: %+v", version, r)
		}
		if err := p.server.Loaded("default", "e", version); err == nil || !strings.Contains(trimtab.Message(err), want) {
			t.Errorf("version %d: %v, want %q", version, err, want)
		}
		if !slices.ContainsFunc(p.endpoint().Status().Conditions, func(c trimtab.Condition) bool {
			return c.Type == RolloutLoad && !c.Status && strings.Contains(c.Message, want)
		}) {
			t.Errorf("version %d: conditions %+v", version, p.endpoint().Status().Conditions)
		}
	}
	p.roll(p.server, func(r *trimtab.Rollout) { r.To = other })
	if r := p.ask(namedColumns, 0); r.err == nil || !strings.Contains(r.err.Error(), `"z"`) {
		t.Errorf("a column that only the candidate wants: %+v", r)
	}
	if requests, failed := p.endpoint().Counts(other); requests != 1 || failed != 1 {
		t.Errorf("candidate: %d requests, %d failed", requests, failed)
	}
	if requests, failed := p.endpoint().Counts(1); requests != 3 || failed != 0 {
		t.Errorf("stable: %d requests, %d failed", requests, failed)
	}
}

// TestShadow: every request is scored by the candidate too, what it answers or whether it does changes no answer, and
// what is too much is dropped.
func TestShadow(t *testing.T) {
	p := newPlane(t, true)
	other := p.register(xgboost(golden(t, "xgboost-2.1.4/logistic"), "xgboost.core.Booster", strings.ReplaceAll(signature(), `"c"`, `"z"`)))
	p.roll(p.server, func(r *trimtab.Rollout) { r.State = trimtab.RolloutShadow })
	const n = shadowQueue + 10
	for i := range n { // nobody scores yet: nothing waits for it
		if r := p.ask(namedColumns, i); r.err != nil || r.answers[0] != p.want(1, i) || r.versions != "1" || r.variants != Stable {
			t.Fatalf("%+v", r)
		}
	}
	drain := func() {
		for len(p.server.shadow.queue) > 0 {
			job := <-p.server.shadow.queue
			job.score()
			p.server.shadow.bytes.Add(-job.bytes)
		}
	}
	drain()
	if requests, failed := p.endpoint().ShadowCounts(2); requests != shadowQueue || failed != 0 {
		t.Errorf("%d requests, %d failed", requests, failed)
	}
	if p.server.shadow.bytes.Load() != 0 {
		t.Errorf("%d bytes wait in an empty queue", p.server.shadow.bytes.Load())
	}
	if got := counter(t, p.endpoint().metersOf(2).shadowDropped); got != 10 {
		t.Errorf("%v dropped", got)
	}
	p.roll(p.server, func(r *trimtab.Rollout) { r.To = other })
	if r := p.ask(namedColumns, 0); r.err != nil || r.answers[0] != p.want(1, 0) {
		t.Errorf("%+v", r)
	}
	drain()
	if requests, failed := p.endpoint().ShadowCounts(other); requests != 1 || failed != 1 {
		t.Errorf("a version that fails: %d requests, %d failed", requests, failed)
	}
	if requests, _ := p.endpoint().Counts(2); requests != 0 {
		t.Errorf("the shadow counts as answers: %d", requests)
	}
}

func counter(t *testing.T, c prometheus.Counter) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	if err := r.Register(c); err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

// judge is a contract that quarantines rows and refuses requests.
type judge struct{}

func (judge) Check(_ trimtab.Workspace, _ string, t *table.Table) (rules []string, reject error) {
	for i := range t.Rows() {
		switch v, _ := t.Columns[0].Float(i); {
		case v > 1.8:
			return nil, trimtab.Errorf(trimtab.Invalid, "request", "row %d breaks rule a.range: %v", i, v)
		case v > 1:
			rules = append(rules, "a.range")
		default:
			rules = append(rules, "")
		}
	}
	return rules, nil
}

// TestContract: rows under a contract are answered and logged beside their rule, whichever version answers them.
func TestContract(t *testing.T) {
	p := newPlane(t, true)
	p.server.cfg.Contracts = judge{}
	p.roll(p.server, func(r *trimtab.Rollout) { r.Share = 0.5 })
	var fine []int
	for i := range 60 {
		if value(i, 0) <= 1.8 {
			fine = append(fine, i)
		}
	}
	if r := p.ask(namedColumns, fine...); r.err != nil || len(r.answers) != len(fine) || r.versions != "1, 2" {
		t.Fatalf("%+v", r)
	}
	_, rows := p.logged()
	held := 0
	for i := range rows.Len() {
		want := ""
		if rows.Inputs.Column("a").Float64s[i] > 1 {
			want = "a.range"
			held++
		}
		if rows.Quarantine[i] != want {
			t.Errorf("row %s: %q, want %q", rows.IDs[i], rows.Quarantine[i], want)
		}
	}
	if held == 0 || rows.Len() != len(fine) {
		t.Errorf("%d of %d rows are quarantined", held, rows.Len())
	}
	if got := counter(t, p.server.quarantined.WithLabelValues("default", "e")); got != float64(held) {
		t.Errorf("%v counted", got)
	}
	if r := p.ask(namedColumns, 3); !trimtab.IsKind(r.err, trimtab.Invalid) || !strings.Contains(r.err.Error(), "row 0 breaks rule a.range") {
		t.Errorf("refused: %+v", r)
	}
	if _, failed := p.endpoint().Counts(1); failed != 0 {
		t.Errorf("a refused request counts as the version's failure")
	}
}

// TestHandleIsInEffect: an entry that cannot be applied is not read; one whose rollout has come is in effect when it is.
func TestHandleIsInEffect(t *testing.T) {
	p := newPlane(t, false)
	down := errors.New("no database")
	p.server.cfg.Rollouts = failing{down}
	entry := entryOf(trimtab.Object{Kind: "rollout", Name: "e.1"})
	if err := p.server.Consumer().Handle(t.Context(), []trimtab.Entry{entry}); !errors.Is(err, down) {
		t.Errorf("%v", err)
	}
	if r := p.ask(unnamedColumns, 0); r.versions != "1" {
		t.Errorf("%+v", r)
	}
	entry.Object.Name = "nobody.1"
	p.server.cfg.Rollouts = shelfRollouts{p.shelf}
	if err := p.server.Consumer().Handle(t.Context(), []trimtab.Entry{entry}); err != nil {
		t.Errorf("a rollout of an endpoint that is gone: %v", err)
	}
}

type failing struct{ err error }

func (f failing) List(context.Context, trimtab.DocumentQuery) ([]trimtab.Rollout, error) {
	return nil, f.err
}

// TestCallNoAllocation: with nothing to share out, a call gets no memory of its own.
func TestCallNoAllocation(t *testing.T) {
	var pool sync.Pool
	for range 100 {
		if pool.Put(t); pool.Get() == nil {
			t.Skip("the race detector drops memory that is kept for the next call")
		}
	}
	p := newPlane(t, true)
	p.declare("e", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}, Logging: trimtab.EndpointLogging{Durability: "off"}})
	p.reconcile()
	e := p.endpoint()
	request := []byte(`{"dataframe_split":{"columns":["a","b","c","d","e","f"],"data":[[1,2,3,4,5,6]]}}`)
	ask := func() {
		c, err := e.Begin()
		if err != nil {
			t.Fatal(err)
		}
		err = c.Invocations(t.Context(), request, "application/json", Meta{RequestID: "q"})
		if v, _ := c.Headers(); err != nil || len(c.Row(0)) != 1 || len(v) != 1 {
			t.Fatal(err)
		}
		c.End(nil)
	}
	ask()
	if n := testing.AllocsPerRun(200, ask); n != 0 {
		t.Errorf("%v allocations", n)
	}
	p.declare("e", trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: "m"}, Logging: trimtab.EndpointLogging{Durability: "off"}, Rollout: &trimtab.RolloutSpec{}})
	p.roll(p.server, func(r *trimtab.Rollout) { r.To, r.Share = 1, 1 }) // alike, so that the request is read once
	ask()
	if n := testing.AllocsPerRun(200, ask); n != 0 {
		t.Errorf("%v allocations during a rollout", n)
	}
}
