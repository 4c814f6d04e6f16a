package dataset

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// site is a world with an endpoint and its traffic.
type site struct {
	*world
	data     *Datasets
	live     trimtab.SourceSpec
	endpoint trimtab.EndpointSpec
	log      *traffic.Log
	store    *traffic.Store
	holds    []trimtab.Hold
}

func (s *site) Get(ctx context.Context, kind, name string) (trimtab.Resource, error) {
	var spec any
	switch {
	case kind == trimtab.KindDataSource && name == "served":
		spec = s.live
	case kind == trimtab.KindEndpoint && name == "e":
		spec = s.endpoint
	default:
		return s.world.Get(ctx, kind, name)
	}
	raw, err := json.Marshal(spec)
	return trimtab.Resource{Kind: kind, Name: name, Spec: raw}, err
}

func (s *site) Holds(ctx context.Context, endpoint string) ([]trimtab.Hold, error) {
	return s.holds, nil
}

// newSite makes one with the traffic in dir.
func newSite(t testing.TB, w *world, dir string) *site {
	t.Helper()
	store, err := traffic.Open(traffic.Config{Dir: dir, SealRows: 7, Clock: func() trimtab.Time { return 1 }})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{world: w, store: store,
		live: trimtab.SourceSpec{Endpoint: "e", Key: []string{"id"}, EventTime: "at", Label: &trimtab.SourceLabel{Column: "y", AvailableAt: "known"}}}
	if s.log, err = store.Endpoint(traffic.Endpoint{Workspace: trimtab.DefaultWorkspace, Name: "e"}); err != nil {
		t.Fatal(err)
	}
	s.data = New(Config{Blobs: w.blobs, Sources: s, Snapshots: w, Traffic: store, Holds: s, Clock: func() trimtab.Time { return 1 }})
	return s
}

func aSite(t *testing.T) *site {
	t.Helper()
	w, _ := newWorld(t)
	w.spec = flights()
	w.put(t, sample)
	s := newSite(t, w, t.TempDir())
	t.Cleanup(func() { s.store.Close() })
	return s
}

// jan is a day of January 2013.
func jan(day int) trimtab.Time {
	at, err := trimtab.ParseTime(fmt.Sprintf("2013-01-%02d", day))
	if err != nil {
		panic(err)
	}
	return at
}

// sent is a request of one row.
type sent struct {
	id   string
	at   int // day
	mark int // day; 0 for none
	x    float64
	rule string
	y    float64 // -1: no label
	know int     // day
}

func (s *site) send(t testing.TB, rows ...sent) {
	t.Helper()
	for _, r := range rows {
		x, wind := table.NewColumn("x", table.Float64, 1), table.NewColumn("wind", table.Int64, 1)
		x.AppendFloat64(r.x)
		wind.AppendInt64(7)
		b := &traffic.Batch{IDs: []string{r.id}, EventTimes: []trimtab.Time{jan(r.at)}, Arrival: 5, Version: 1, OutputNames: []string{"p"}, Outputs: []float64{0.5},
			Inputs: &table.Table{Columns: []*table.Column{x, wind}}}
		if r.mark != 0 {
			b.Watermark = jan(r.mark)
		}
		if r.rule != "" {
			b.Quarantine = []string{r.rule}
		}
		if _, err := s.log.Append(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		if r.y >= 0 {
			l := &traffic.LabelBatch{Labels: []traffic.Label{{ID: r.id, Value: r.y, KnownAt: jan(r.know)}}, Watermark: b.Watermark}
			if _, err := s.log.AppendLabels(t.Context(), l); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var week = []sent{
	{id: "s1", at: 5, x: 1, y: 1, know: 6},
	{id: "s2", at: 6, x: 2, y: 0, know: 7, rule: "x <= 1"},
	{id: "s4", at: 8, x: 4, y: 0, know: 30},
	{id: "s3", at: 7, x: 3, y: 1, know: 9},
	{id: "s5", at: 20, x: 5, y: 1, know: 21},
	{id: "s6", at: 1, mark: 4, x: 6, y: 1, know: 5},  // late, before go-live
	{id: "s7", at: 6, mark: 8, x: 7, y: 1, know: 9},  // late
	{id: "s8", at: 6, mark: 12, x: 8, y: 1, know: 9}, // came when the moment had passed
}

func TestTakeServed(t *testing.T) {
	s := aSite(t)
	s.send(t, week...)
	alone := trimtab.DatasetSpec{Source: "served", AsOf: "2013-01-10"}
	both := trimtab.DatasetSpec{Source: "src", Served: "served", AsOf: "2013-01-10"}
	optional := both
	optional.Label = "optional"
	for _, c := range []struct {
		name  string
		spec  trimtab.DatasetSpec
		holds []trimtab.Hold
		want  string
		drop  map[string]int64
	}{
		{"what was served", alone, nil,
			"id,at,wind,x,y,known\ns1,05,7,1,1,06\ns7,06,7,7,1,09\ns3,07,7,3,1,09\n" +
				"id string\nat datetime\nwind int64\nx float64\ny float64\nknown datetime\n",
			map[string]int64{"quarantined: x <= 1": 1, DropNoLabel: 1}},
		{"a window", trimtab.DatasetSpec{Source: "served", AsOf: "2013-01-10", From: "2013-01-06", To: "2013-01-07"}, nil,
			"id,at,wind,x,y,known\ns7,06,7,7,1,09\n" +
				"id string\nat datetime\nwind int64\nx float64\ny float64\nknown datetime\n",
			map[string]int64{"quarantined: x <= 1": 1}},
		{"a span held", alone, []trimtab.Hold{{From: jan(7), To: jan(8), Incident: "i1"}, {From: jan(5), To: jan(6), Incident: "i2", Released: true}},
			"id,at,wind,x,y,known\ns1,05,7,1,1,06\ns7,06,7,7,1,09\n" +
				"id string\nat datetime\nwind int64\nx float64\ny float64\nknown datetime\n",
			map[string]int64{"quarantined: x <= 1": 1, "held: i1": 1, DropNoLabel: 1}},
		{"a rule released", alone, []trimtab.Hold{{From: jan(6), Rule: "x <= 1", Incident: "i3", Released: true}},
			"id,at,wind,x,y,known\ns1,05,7,1,1,06\ns2,06,7,2,0,07\ns7,06,7,7,1,09\ns3,07,7,3,1,09\n" +
				"id string\nat datetime\nwind int64\nx float64\ny float64\nknown datetime\n",
			map[string]int64{DropNoLabel: 1}},
		{"the file, then what was served", both, nil,
			"id,at,x,y,known\nh,31,8,1,01\nc,01,3,1,02\na,03,1,1,04\ns1,05,1,1,06\ns7,06,7,1,09\ns3,07,3,1,09\n" +
				"id string\nat datetime\nx int64\ny int64\nknown datetime\n",
			map[string]int64{"quarantined: x <= 1": 1, DropNoLabel: 2, DropNoEventTime: 1, DropServed: 2,
				"values of column seen, which was not served": 3, "values of the served column wind, which the file lacks": 3}},
		{"labels are optional", optional, []trimtab.Hold{{From: jan(6), To: 0, Incident: "i4"}},
			"id,at,x,y,known\nh,31,8,1,01\nc,01,3,1,02\nb,02,2,,\na,03,1,1,04\ns1,05,1,1,06\n" +
				"id string\nat datetime\nx int64\ny int64\nknown datetime\n",
			map[string]int64{"held: i4": 4, DropNoEventTime: 1, DropServed: 2,
				"values of column seen, which was not served": 4, "values of the served column wind, which the file lacks": 1}},
		{"before go-live the file stands alone", trimtab.DatasetSpec{Source: "src", Served: "served", AsOf: "2013-01-05"}, nil,
			"id,at,seen,x,y,known\nh,31,31,8,1,01\na,03,03,1,1,04\n" +
				"id string\nat datetime\nseen datetime\nx int64\ny int64\nknown datetime\n",
			map[string]int64{DropNoLabel: 1, DropNoEventTime: 1, DropWindow: 1}},
	} {
		s.holds = c.holds
		snap, err := s.data.Take(t.Context(), c.spec)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got, want := short(s.read(t, snap)), short(c.want)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got): %s", c.name, d)
		}
		if d := cmp.Diff(c.drop, snap.Dropped); d != "" {
			t.Errorf("%s: dropped %s", c.name, d)
		}
	}
}

// short leaves the day of each time.
func short(text string) string {
	return strings.NewReplacer("2013-01-", "", "2012-12-", "", "T00:00:00Z", "").Replace(text)
}

// TestFaultReachesTrainingUnlessHeld logs faulty rows without a contract: they are in the next snapshot.
func TestFaultReachesTrainingUnlessHeld(t *testing.T) {
	for _, rule := range []string{"", "x <= 200"} {
		s := aSite(t)
		s.send(t, sent{id: "s1", at: 5, x: 1, y: 1, know: 6}, sent{id: "s2", at: 6, x: 1048, y: 1, know: 7, rule: rule})
		snap, err := s.data.Take(t.Context(), trimtab.DatasetSpec{Source: "src", Served: "served", AsOf: "2013-01-10"})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(s.read(t, snap), ",1048,"); got != (rule == "") {
			t.Errorf("rule %q: the fault in the snapshot: %v", rule, got)
		}
	}
}

// TestServedKey joins a file of another key: its rows have the id under which a replay sends them.
func TestServedKey(t *testing.T) {
	s := aSite(t)
	s.live.Key = []string{"request"}
	s.send(t, sent{id: RowID("src", "z"), at: 5, x: 1.5, y: 1, know: 6})
	spec := trimtab.DatasetSpec{Source: "src", Served: "served", AsOf: "2013-01-10", From: "2013-01-03"}
	snap, err := s.data.Take(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	rest := "request string\nat datetime\nx float64\ny int64\nknown datetime\n"
	want := "request,at,x,y,known\n" + RowID("src", "a") + ",03,1,1,04\n" + RowID("src", "z") + ",05,1.5,1,06\n" + rest
	if d := cmp.Diff(want, short(s.read(t, snap))); d != "" {
		t.Error(d)
	}
	s.endpoint.Logging.RequestID = "id" // a replay sends the key itself
	if snap, err = s.data.Take(t.Context(), spec); err != nil {
		t.Fatal(err)
	}
	want = "request,at,x,y,known\na,03,1,1,04\n" + RowID("src", "z") + ",05,1.5,1,06\n" + rest
	if d := cmp.Diff(want, short(s.read(t, snap))); d != "" {
		t.Error(d)
	}
}

func TestServedErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(*site, *trimtab.DatasetSpec)
		kind trimtab.Kind
		want string
	}{
		{"no endpoint", func(s *site, _ *trimtab.DatasetSpec) { s.live.Endpoint = "gone" }, trimtab.Precondition, `endpoint "gone" served, and there is no such Endpoint`},
		{"two keys", func(s *site, _ *trimtab.DatasetSpec) { s.live.Key = []string{"a", "b"} }, trimtab.Invalid, "has 2 key columns"},
		{"a key of another meaning", func(s *site, _ *trimtab.DatasetSpec) { s.live.Key = []string{"x"} }, trimtab.Invalid, `the key "x" of DataSource "served" is another column`},
		{"served is a file", func(_ *site, d *trimtab.DatasetSpec) { d.Served = "src" }, trimtab.Invalid, `DataSource "src" is a file`},
		{"served beside served", func(_ *site, d *trimtab.DatasetSpec) { d.Source = "served" }, trimtab.Invalid, "expected a source that is a file"},
		{"one label", func(s *site, _ *trimtab.DatasetSpec) { s.live.Label = nil }, trimtab.Invalid, `"src" declares a label and DataSource "served" none`},
		{"text meets numbers", func(s *site, _ *trimtab.DatasetSpec) {
			s.put(t, strings.ReplaceAll(sample, ",1,1,2013", ",one,1,2013"))
		}, trimtab.Invalid, `column "x" of DataSource "src" and what endpoint "e" served do not meet: it is string in the file and float64 as served`},
		{"nothing served", func(s *site, d *trimtab.DatasetSpec) { *d = trimtab.DatasetSpec{Source: "served", AsOf: "2013-01-05"} }, trimtab.Precondition, `no row of DataSource "served" is left`},
		{"columns collide", func(s *site, d *trimtab.DatasetSpec) {
			d.Source, d.Served, s.live.Label.AvailableAt = "served", "", "id"
		}, trimtab.Invalid, "are columns of their own"},
	} {
		s := aSite(t)
		s.send(t, week...)
		spec := trimtab.DatasetSpec{Source: "src", Served: "served", AsOf: "2013-01-10"}
		c.edit(s, &spec)
		_, err := s.data.Take(t.Context(), spec)
		if !trimtab.IsKind(err, c.kind) || !strings.Contains(trimtab.Message(err), c.want) {
			t.Errorf("%s: %v (%v); want %v with %q", c.name, err, trimtab.KindOf(err), c.kind, c.want)
		}
	}
	s := aSite(t)
	if _, err := s.data.Source(t.Context(), "served"); !trimtab.IsKind(err, trimtab.Invalid) || !strings.Contains(err.Error(), "expected a DataSource with a path") {
		t.Errorf("a replay of what was served: %v", err)
	}
	s.data.cfg.Traffic = nil
	if _, err := s.data.Take(t.Context(), trimtab.DatasetSpec{Source: "served", AsOf: "2013-01-10"}); !trimtab.IsKind(err, trimtab.Unsupported) {
		t.Errorf("without traffic: %v", err)
	}
}

// TestServedNamesWhatASnapshotDependsOn changes one thing after the other.
func TestServedNamesWhatASnapshotDependsOn(t *testing.T) {
	s := aSite(t)
	s.send(t, week...)
	spec := trimtab.DatasetSpec{Source: "src", Served: "served", AsOf: "2013-01-10"}
	digest := func() trimtab.Digest {
		t.Helper()
		d, err := s.data.Served(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	last := digest()
	for _, c := range []struct {
		name    string
		do      func()
		changes bool
	}{
		{"the same again", func() {}, false},
		{"rows sent again", func() { s.send(t, week...) }, false},
		{"a row that was there in time", func() { s.send(t, sent{id: "n1", at: 9, x: 1, y: -1}) }, true},
		{"its label", func() { s.send(t, sent{id: "n1", at: 9, x: 1, y: 1, know: 10}) }, true},
		{"its label, corrected", func() { s.send(t, sent{id: "n1", at: 9, x: 1, y: 0, know: 10}) }, true},
		{"a label that is known later", func() { s.send(t, sent{id: "n1", at: 9, x: 1, y: 1, know: 11}) }, false},
		{"a row of later", func() { s.send(t, sent{id: "n2", at: 11, x: 1, y: -1}) }, false},
		{"a row that came later", func() { s.send(t, sent{id: "n3", at: 9, mark: 10, x: 1, y: -1}) }, false},
		{"a hold", func() { s.holds = []trimtab.Hold{{From: jan(9), To: jan(10), Incident: "i"}} }, true},
		{"a hold of nothing", func() { s.holds = append(s.holds, trimtab.Hold{From: jan(20), Incident: "j"}) }, false},
		{"the release of a rule", func() { s.holds = append(s.holds, trimtab.Hold{Rule: "*", Released: true}) }, true},
		{"a seal", func() {
			if err := s.store.Seal(t.Context(), true); err != nil {
				t.Fatal(err)
			}
		}, false},
		{"the column of request ids", func() { s.endpoint.Logging.RequestID = "id" }, true},
		{"the declaration", func() { s.live.Label.Column = "z" }, true},
	} {
		c.do()
		now := digest()
		if (now != last) != c.changes {
			t.Errorf("%s: changed %v, want %v", c.name, now != last, c.changes)
		}
		snap, err := s.data.Take(t.Context(), spec)
		if err != nil || snap.SourceData != trimtab.StateDigest([]trimtab.Digest{s.spec.Digest, now}) {
			t.Errorf("%s: the snapshot's data are not what Served names (%v)", c.name, err)
		}
		last = now
	}
	if d, err := s.data.Served(t.Context(), trimtab.DatasetSpec{Source: "src", AsOf: "2013-01-10"}); d != "" || err != nil {
		t.Errorf("a file alone: %q, %v", d, err)
	}
}

// What comes in later, however it came in, changes nothing of what a moment saw.
func TestWhatIsServedLaterChangesNoSnapshot(t *testing.T) {
	w, _ := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		const asOf = 10
		day := rapid.IntRange(2, 20)
		n := rapid.IntRange(1, 8).Draw(rt, "rows")
		var first, later []sent
		for i := range n {
			r := sent{id: fmt.Sprintf("k%d", i), at: day.Draw(rt, "at"), x: float64(rapid.IntRange(0, 6).Draw(rt, "x")) / 2, y: float64(rapid.IntRange(-1, 1).Draw(rt, "y")), know: day.Draw(rt, "know")}
			r.mark = rapid.IntRange(1, asOf-1).Draw(rt, "mark")
			if rapid.IntRange(0, 4).Draw(rt, "held") == 0 {
				r.rule = "rule"
			}
			first = append(first, r)
		}
		for i := range rapid.IntRange(0, 4).Draw(rt, "more") {
			// Whatever happened when, it came when the watermark had reached the moment; or it is a label of later.
			r := sent{id: fmt.Sprintf("k%d", rapid.IntRange(0, n+4).Draw(rt, "id")), at: day.Draw(rt, "at"), x: float64(i), y: float64(rapid.IntRange(0, 1).Draw(rt, "y")), know: day.Draw(rt, "know")}
			r.mark = rapid.IntRange(asOf, 20).Draw(rt, "mark")
			later = append(later, r)
		}
		spec := trimtab.DatasetSpec{Source: "src", Served: "served", AsOf: date(asOf - 1), Label: rapid.SampledFrom([]string{"required", "optional"}).Draw(rt, "label")}
		if rapid.Bool().Draw(rt, "alone") {
			spec.Source, spec.Served = "served", ""
		}
		w.spec = flights()
		w.put(t, sample)
		take := func(s *site) string {
			snap, err := s.data.Take(t.Context(), spec)
			served, serr := s.data.Served(t.Context(), spec)
			if err != nil || serr != nil {
				return trimtab.Message(err) + string(served)
			}
			out, _ := json.Marshal(snap)
			return string(out) + string(served)
		}
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		s := newSite(t, w, dir)
		defer s.store.Close()
		s.send(t, first...)
		before := take(s)
		s.send(t, later...)
		if rapid.Bool().Draw(rt, "seal") {
			if err := s.store.Seal(t.Context(), true); err != nil {
				rt.Fatal(err)
			}
		}
		if after := take(s); before != after {
			rt.Fatalf("as of %s\n%s\nbecame\n%s\nafter %+v\nthen %+v", spec.AsOf, before, after, first, later)
		}
	})
}

func TestMeet(t *testing.T) {
	col := func(typ table.Type, values ...float64) *table.Column {
		c := table.NewColumn("c", typ, 0)
		for _, v := range values {
			switch {
			case v == none:
				c.AppendNull()
			case typ == table.Bool:
				c.AppendBool(v != 0)
			case typ == table.Int32:
				c.AppendInt32(int32(v))
			case typ == table.Int64 || typ == table.Datetime:
				c.AppendInt64(int64(v))
			case typ == table.Float32:
				c.AppendFloat32(float32(v))
			case typ == table.Float64:
				c.AppendFloat64(v)
			default:
				c.AppendString(fmt.Sprint(v))
			}
		}
		return c
	}
	for _, c := range []struct {
		name string
		file *table.Column
		live *table.Column
		typ  table.Type
		want string
	}{
		{"the same", col(table.String, 1), col(table.String, 2), table.String, "1 2"},
		{"whole floats stay integers", col(table.Int32, 1), col(table.Float64, 2, none, math.NaN()), table.Int32, "1 2 - -"},
		{"a fraction makes floats", col(table.Int32, 1), col(table.Float64, 2.5, none, math.NaN()), table.Float64, "1 2.5 - nan"},
		{"a large one makes it wider", col(table.Int32, 1), col(table.Int64, 1<<40), table.Int64, "1 1099511627776"},
		{"float32 holds them", col(table.Float32, 0.5), col(table.Float64, 0.25), table.Float32, "0.5 0.25"},
		{"float32 does not", col(table.Float32, 0.5), col(table.Float64, 0.1), table.Float64, "0.5 0.1"},
		{"integers in floats", col(table.Float64, 0.5), col(table.Int64, 3), table.Float64, "0.5 3"},
		{"a label of 0 and 1", col(table.Bool, 1), col(table.Float64, 0, none, 1), table.Bool, "true false - true"},
		{"a share is no boolean", col(table.Bool, 1), col(table.Float64, 0.5), table.Float64, "1 0.5"},
		{"integers behind booleans", col(table.Bool, 1), col(table.Int64, 3), table.Int64, "1 3"},
		{"the file has no value", col(table.String, none), col(table.Float64, 1), table.Float64, "- 1"},
		{"nothing is served", col(table.String, 5), col(table.Float64, none), table.String, "5 -"},
		{"times", col(table.Datetime, 0), col(table.Datetime, 1e9), table.Datetime, "1970-01-01T00:00:00Z 1970-01-01T00:00:01Z"},
		{"text and numbers", col(table.String, 5), col(table.Int64, 5), 0, "it is string in the file and int64 as served"},
		{"times and numbers", col(table.Datetime, 5), col(table.Int64, 5), 0, "it is datetime in the file and int64 as served"},
		{"too large beside fractions", col(table.Int64, 1<<53+2), col(table.Float64, 0.5), 0, "it holds 9007199254740994, which no float64 holds exactly"},
		{"infinite", col(table.Int64, 1), col(table.Float64, math.Inf(1)), table.Float64, "1 inf"},
	} {
		got, err := meet(c.file, c.live)
		if c.typ == 0 {
			if err == nil || err.Error() != c.want {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var texts []string
		for i := range got.Len() {
			if got.Null(i) {
				texts = append(texts, "-")
			} else {
				texts = append(texts, got.Text(i))
			}
		}
		if s := strings.Join(texts, " "); s != c.want || got.Type != c.typ || (&table.Table{Columns: []*table.Column{got}}).Check() != nil {
			t.Errorf("%s: %s %s, want %s %s", c.name, got.Type, s, c.typ, c.want)
		}
	}
	for _, c := range []struct {
		ids  []string
		typ  table.Type
		want []string
	}{{[]string{"7", "-8"}, table.Int64, []string{"1", "7", "-8"}}, {[]string{"7", "08"}, table.String, []string{"1", "7", "08"}}, {nil, table.Int64, []string{"1"}}} {
		ids := table.NewColumn("", table.String, 0)
		for _, id := range c.ids {
			ids.AppendString(id)
		}
		got := meetKey(col(table.Int64, 1), ids)
		var texts []string
		for i := range got.Len() {
			texts = append(texts, got.Text(i))
		}
		if got.Type != c.typ || !slices.Equal(texts, c.want) {
			t.Errorf("key with %v: %s %v", c.ids, got.Type, texts)
		}
	}
}

const none = -12345 // stands for null in the tables of TestMeet
