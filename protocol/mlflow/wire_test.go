package mlflow

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/trimtab/trimtab"
)

func newToken() (token, hash string) {
	token = "ttk_" + rand.Text()
	sum := sha256.Sum256([]byte(token))
	return token, hex.EncodeToString(sum[:])
}

// plainBatch is a batch as MLflow's client writes it.
func plainBatch(metrics int) []byte {
	var b strings.Builder
	b.WriteString(`{"run_id": "0123456789abcdef0123456789abcdef", "metrics": [`)
	for i := range metrics {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `{"key": "metric_%d", "value": %v, "timestamp": %d, "step": %d}`, i%10, float64(i)/3, 1700000000000+i, i)
	}
	b.WriteString(`], "params": [{"key": "lr", "value": "0.1"}], "tags": [{"key": "t", "value": ""}]}`)
	return []byte(b.String())
}

var batches = []string{
	string(plainBatch(3)),
	`{}`, `{"run_id":"x"}`, `{"run_id":"x","metrics":[],"params":[],"tags":[]}`,
	`{"run_id":"x","metrics":[{"key":"a","value":"NaN","timestamp":1},{"key":"a","value":"-Infinity","timestamp":1,"step":-3}]}`,
	`{"run_id":"x","metrics":[{"key":"a","value":1e400,"timestamp":1}]}`,
	`{"run_id":"x","metrics":[{"key":"a","value":-0.0,"timestamp":1.0}]}`,
	`{"run_id":"x","metrics":[{"key":"ä","value":1,"timestamp":1}]}`,
	`{"run_id":"x","metrics":[{"key":"a\u0062","value":1,"timestamp":1}]}`,
	`{"run_id":"x","metrics":[{"key":"a","value":1,"timestamp":1,"timestamp":2}]}`,
	`{"run_id":"x","metrics":[{"key":"a","value":01,"timestamp":1}]}`,
	`{"run_id":"x","metrics":[{"key":"a","value":null,"timestamp":1}]}`,
	`{"run_id":"x","metrics":[{"key":"a","value":1,"timestamp":9223372036854775807,"model_id":"m-1","dataset_name":"d","dataset_digest":"g","run_id":"y"}]}`,
	`{"run_id":"x","params":[{"key":"a"}],"tags":[{"key":"b","value":"c"},]}`,
	`{"run_id":"x","unknown":1}`, `{"run_uuid":"x"}`, `{"runId":"x"}`, `[`, `"{\"run_id\":\"x\"}"`, "", "null",
}

func FuzzBatch(f *testing.F) {
	for _, s := range batches {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, fast, ok := scanBatch(body)
		if !ok {
			return
		}
		wantID, want, err := readBatch(body)
		if err != nil || id != wantID {
			t.Fatalf("%s is read as %s and should be %s, %v", body, id, wantID, err)
		}
		if d := cmp.Diff(want, fast, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-slow +fast):\n%s", body, d)
		}
	})
}

func FuzzMetric(f *testing.F) {
	for _, s := range []string{`{"run_uuid":"x","run_id":"x","key":"a","value":1,"timestamp":1,"step":0}`, `{"run_id":"x","run_uuid":"y","key":"a","value":1,"timestamp":1}`, `{}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		id, fast, ok := scanMetric(body)
		if !ok {
			return
		}
		wantID, want, err := readMetric(body)
		if err != nil || id != wantID {
			t.Fatalf("%s is read as %s and should be %s, %v", body, id, wantID, err)
		}
		if d := cmp.Diff(want, fast, cmpopts.EquateNaNs()); d != "" {
			t.Errorf("%s (-slow +fast):\n%s", body, d)
		}
	})
}

// What the client writes takes the short way, and what is odd does not.
func TestPlainBatchesAreScanned(t *testing.T) {
	if _, b, ok := scanBatch(plainBatch(1000)); !ok || len(b.Metrics) != 1000 || len(b.Params) != 1 || len(b.Tags) != 1 {
		t.Errorf("scanned: %v, %d metrics", ok, len(b.Metrics))
	}
	if id, m, ok := scanMetric([]byte(`{"run_uuid": "x", "run_id": "x", "key": "a", "value": "NaN", "timestamp": 5, "step": 7}`)); !ok || id != "x" || !math.IsNaN(m.Value) || m.Time != 5 || m.Step != 7 {
		t.Errorf("scanned: %v, %+v", ok, m)
	}
	for _, odd := range []string{`{"run_id":"x","metrics":[{"key":"a","value":1,"timestamp":1,"timestamp":2}]}`, `{"run_id":"x"} x`, `{"metrics":[]}`, `{"run_id":"x","metrics":[{"key":"a","value":1}]}`} {
		if _, _, ok := scanBatch([]byte(odd)); ok {
			t.Errorf("%s was scanned", odd)
		}
	}
}

func TestScanningAllocatesLittle(t *testing.T) {
	body := plainBatch(1000)
	// The slices grow about a dozen times, and each key is kept once.
	if n := testing.AllocsPerRun(20, func() {
		if _, _, ok := scanBatch(body); !ok {
			t.Fatal("not scanned")
		}
	}); n > 80 {
		t.Errorf("a batch of 1000 metrics allocates %v times", n)
	}
}

func TestWritingARunAllocatesNothing(t *testing.T) {
	r := trimtab.Run{ID: "x", Name: "n", Status: trimtab.RunRunning, Lifecycle: trimtab.Active}
	for i := range 20 {
		r.Metrics = append(r.Metrics, trimtab.Metric{Key: "k", Value: float64(i) / 7, Time: 5, Step: 3})
	}
	d := newDoc()
	if n := testing.AllocsPerRun(100, func() {
		d.b = d.b[:0]
		d.begin()
		d.run(r)
		d.end()
	}); n != 0 {
		t.Errorf("writing a run allocates %v times", n)
	}
	if !json.Valid(d.b) {
		t.Errorf("not JSON: %s", d.b)
	}
}

func TestDocuments(t *testing.T) {
	d := newDoc()
	d.begin()
	d.str("s", "a\"b\\c\n\x01ä\u2028</script>")
	d.num("n", -5)
	d.float("one", 1)
	d.float("nan", math.NaN())
	d.float("inf", math.Inf(-1))
	d.list("l")
	d.begin()
	d.end()
	d.begin()
	d.boolean("b", true)
	d.end()
	d.endList()
	d.object("o")
	d.strIf("none", "")
	d.pairs("none", nil)
	d.pairs("p", map[string]string{"b": "2", "a": "1"})
	d.end()
	d.end()
	var got any
	if err := json.Unmarshal(d.b, &got); err != nil {
		t.Fatalf("%v: %s", err, d.b)
	}
	same(t, got, `{"s":"a\"b\\c\n\u0001ä\u2028</script>","n":-5,"one":1,"nan":"NaN","inf":"-Infinity","l":[{},{"b":true}],"o":{"p":[{"key":"a","value":"1"},{"key":"b","value":"2"}]}}`)
	if !strings.Contains(string(d.b), `"one":1.0`) {
		t.Errorf("a float has no point: %s", d.b)
	}
}

func TestForms(t *testing.T) {
	body := func(s string) *form {
		f := &form{bad: new(error)}
		f.fields, *f.bad = object([]byte(s))
		return f
	}
	for s, want := range map[string]int64{`5`: 5, `"5"`: 5, `5.0`: 5, `1e3`: 1000, `" 7 "`: 7, `-9223372036854775808`: math.MinInt64} {
		if n, ok := body(`{"x":` + s + `}`).integer("x"); !ok || n != want {
			t.Errorf("%s is read as %d, %v", s, n, ok)
		}
	}
	for _, s := range []string{`5.5`, `"5.0"`, `"a"`, `true`, `[]`, `{}`, `1e300`, `9223372036854775808`} {
		if f := body(`{"x":` + s + `}`); true {
			if n, ok := f.integer("x"); ok || f.err() == nil {
				t.Errorf("%s is read as %d", s, n)
			}
		}
	}
	for s, want := range map[string]float64{`5`: 5, `"5.5"`: 5.5, `"Infinity"`: math.Inf(1), `1e400`: math.Inf(1), `-0`: 0} {
		if v, ok := body(`{"x":` + s + `}`).float("x"); !ok || v != want {
			t.Errorf("%s is read as %v, %v", s, v, ok)
		}
	}
	for _, s := range []string{`"inf"`, `"0x10"`, `"1_0"`, `""`, `true`, `[]`} {
		if f := body(`{"x":` + s + `}`); true {
			if v, ok := f.float("x"); ok || f.err() == nil {
				t.Errorf("%s is read as %v", s, v)
			}
		}
	}
	if f := body(`{"runUuid":"r"}`); f.runID() != "r" || f.err() != nil {
		t.Errorf("camel case: %v", f.err())
	}
	r := httptest.NewRequest("GET", "/x?b=TRUE&n=3&l=a&l=b&e=2", nil)
	f := read(r)
	if n, _ := f.integer("n"); !f.boolean("b") || n != 3 || strings.Join(f.strings("l"), ",") != "a,b" || f.enum("e", 1, "A", "B") != "B" || f.err() != nil {
		t.Errorf("query: %v", f.err())
	}
	if f := read(httptest.NewRequest("GET", "/x?b=yes", nil)); f.boolean("b") || f.err() == nil || trimtab.Message(f.err()) != "Invalid boolean value: yes, must be 'true' or 'false'." {
		t.Errorf("bad bool: %v", f.err())
	}
	if f := read(httptest.NewRequest("GET", "/x?a=%zz", nil)); f.err() == nil {
		t.Error("a bad escape was taken")
	}
	long := body(`{"x":["` + strings.Repeat("y", 5000) + `"]}`)
	long.str("x")
	if m := trimtab.Message(long.err()); len(m) > 1300 || !strings.Contains(m, "…") {
		t.Errorf("message of %d bytes", len(m))
	}
}

func FuzzRequestBody(f *testing.F) {
	for _, s := range append(batches, `{"name":{"a":[1,{}]},"tags":[{"key":1}]}`, "\xff", `{"name":"\ud800"}`) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		q := &form{bad: new(error)}
		q.fields, *q.bad = object([]byte(s))
		q.need("name")
		q.tags("tags")
		q.integer("start_time")
		q.strings("order_by")
		q.enum("status", 1, "A")
		q.boolean("b")
		if err := q.err(); err != nil && !trimtab.IsKind(err, trimtab.Invalid) {
			t.Errorf("%q: %v is not the caller's fault", s, err)
		}
	})
}

func BenchmarkScanBatch(b *testing.B) {
	body := plainBatch(1000)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, _, ok := scanBatch(body); !ok {
			b.Fatal("not scanned")
		}
	}
}
