package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/contract"
	"github.com/trimtab/trimtab/lifecycle/dataset"
	"github.com/trimtab/trimtab/lifecycle/monitor"
	"github.com/trimtab/trimtab/lifecycle/plan"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/sql"
)

// watchOf is what pages read of monitors and data over real records; what the log of
// traffic would say is said by this type.
func watchOf(db *sql.DB, blobs blob.Store) api.Watch {
	return api.Watch{Windows: db.Windows, Contracts: db.Contracts, Snapshots: db.Snapshots, Looker: dataset.NewLooker(blobs), Failing: kept{blobs}, Reader: rereader{}, KeptOut: rereader{}}
}

type kept struct{ blobs blob.Store }

func (k kept) Failing(ctx context.Context, d trimtab.Digest, rule string, after int64, limit int) (contract.FailingPage, error) {
	return contract.Failing(ctx, k.blobs, d, rule, after, limit)
}
func (k kept) Object(ctx context.Context, d trimtab.Digest) (io.ReadCloser, error) {
	return k.blobs.Open(ctx, d)
}

type rereader struct{}

func (rereader) Distribution(_ context.Context, w trimtab.WindowResult, against *trimtab.WindowResult, column string) (monitor.Distribution, error) {
	d := monitor.Distribution{Column: column, Samples: []monitor.DistributionSample{{Name: w.Start.String(), Role: "window"}}, Bins: []monitor.DistributionBin{}}
	if against != nil {
		d.Samples = append(d.Samples, monitor.DistributionSample{Name: against.Start.String(), Role: "against"})
	}
	return d, nil
}
func (rereader) Outcome(_ context.Context, w trimtab.WindowResult) (monitor.Outcome, error) {
	return monitor.Outcome{Rows: w.Rows, Kept: []monitor.KeptOut{}, Versions: []monitor.VersionAnswers{}}, nil
}
func (rereader) KeptOut(_ context.Context, q dataset.KeptOutQuery) (dataset.KeptOutRows, error) {
	return dataset.KeptOutRows{Columns: []string{q.Incident}, Rows: []dataset.KeptOutRow{}, Next: q.After}, nil
}

// page reads an address of the project "default".
func page[T any](t *testing.T, w *world, address string, status int) (out T) {
	t.Helper()
	res, err := http.Get(w.server.URL + api.Base + "/default" + address)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		t.Fatalf("%s: status %d, want %d: %s %v", address, res.StatusCode, status, body, err)
	}
	if status == http.StatusOK {
		if err := json.Unmarshal(body, &out); err != nil {
			t.Fatalf("%s: %v", address, err)
		}
	}
	return out
}

// watchPages calls what pages about monitors and data read, with an endpoint "flights" and a monitor "quality" declared.
func (w *world) watchPages(t *testing.T, blobs blob.Store) {
	t.Helper()
	ctx := trimtab.WithCall(t.Context(), trimtab.Call{Workspace: trimtab.DefaultWorkspace})
	must[plan.Answer](t)(w.client.Apply(ctx, view.Proposal{Manager: "cli", Inventory: "cli:data", Resources: []view.Declaration{
		{Kind: "DataSource", Name: "rows", Spec: json.RawMessage(`{"endpoint":"flights","key":["id"],"eventTime":"at"}`)},
		{Kind: "DataContract", Name: "kept", Spec: json.RawMessage(`{"endpoint":"flights","columns":{"x":{"min":0}}}`)}}}))
	const day = trimtab.Time(86_400_000)
	start := trimtab.Time(1362096000000)
	for i := range trimtab.Time(70) { // more than an answer has of windows with so many columns
		x := trimtab.WindowResult{Monitor: "quality", Endpoint: "flights", Start: start + i*day, End: start + (i+1)*day, Rows: 100, Labelled: 90, Served: 2, Through: start + (i+1)*day,
			Quality: []trimtab.Quality{{Metric: "auc", Value: 0.7, HasInterval: true, Lo: 0.6, Hi: 0.8}}}
		for c := range 1000 {
			x.Drift = append(x.Drift, trimtab.ColumnDrift{Column: "c" + string(rune('a'+c%26)) + strings.Repeat("x", c/26), PSI: 0.1234567, Effect: 0.05, Noise: 0.02, State: "drift"})
		}
		if err := w.db.Windows.Put(ctx, x); err != nil {
			t.Fatal(err)
		}
	}
	if got := page[view.MonitorTable](t, w, "/monitors", 200); len(got.Items) != 1 || got.Items[0].Name != "quality" || len(got.Items[0].Cells) != len(got.Signals) || got.Items[0].State == view.CellNone {
		t.Errorf("monitors: %+v", got)
	}
	got := page[view.MonitorPage](t, w, "/monitors/quality", 200)
	if n := len(got.Windows.Start); n != 30 || !got.More || len(got.Drift.Columns) != 1000 || len(got.Drift.PSI[0]) != n || got.Quality[0].Value[n-1] != 0.7 {
		t.Errorf("a page of %d windows, %d columns, more %v", n, len(got.Drift.Columns), got.More)
	}
	older := page[view.MonitorPage](t, w, "/monitors/quality?before="+trimtab.Time(got.Windows.Start[0]).String(), 200)
	if n := len(older.Windows.Start); n != 30 || !older.More || older.Windows.End[n-1] != got.Windows.Start[0] {
		t.Errorf("the page before: %d windows, more %v", n, older.More)
	}
	page[view.MonitorPage](t, w, "/monitors/nothing", 404)
	first := start.String()
	if got := page[api.MonitorWindow](t, w, "/monitors/quality/windows/"+first, 200); got.Window.Start != start || got.Outcome.Rows != 100 || len(got.Window.Drift) != 1000 {
		t.Errorf("window: %+v", got.Outcome)
	}
	page[api.MonitorWindow](t, w, "/monitors/quality/windows/2013-03-01T00:00:01Z", 404)
	if got := page[monitor.Distribution](t, w, "/monitors/quality/distribution?column=x&window="+first+"&against="+(start+day).String(), 200); got.Column != "x" || len(got.Samples) != 2 {
		t.Errorf("distribution: %+v", got)
	}

	var body bytes.Buffer
	x := table.NewColumn("x", table.Float64, 0)
	for i := range 100 {
		x.AppendFloat64(float64(i))
	}
	if err := table.WriteParquet(&body, must[*table.Table](t)(table.New(x)), table.ParquetOptions{}); err != nil {
		t.Fatal(err)
	}
	digest, _, err := blobs.Put(ctx, &body)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.db.Snapshots.Put(ctx, trimtab.Snapshot{Source: "rows", Digest: digest, Rows: 100, AsOf: start}); err != nil {
		t.Fatal(err)
	}
	body.Reset()
	rows := must[*contract.FailingRows](t)(contract.NewFailingRows(&body))
	if err := rows.Add(contract.Failure{Key: "r1", Rule: "x.range", Value: "-1"}); err != nil {
		t.Fatal(err)
	}
	if err := rows.Close(); err != nil {
		t.Fatal(err)
	}
	parquet := body.Len()
	failing, _, err := blobs.Put(ctx, &body)
	if err != nil {
		t.Fatal(err)
	}
	subject := "window " + first + " of quality"
	put(t, w.db.Contracts, trimtab.ContractResult{Contract: "kept", Subject: subject, At: start + day, Rows: 100, Failed: 1, FailingRows: failing, Results: []trimtab.RuleResult{{Rule: "x.range", Column: "x", Rows: 100, Failed: 1, Severity: "error"}}})
	put(t, w.db.Incidents, trimtab.Incident{ID: "flights.breach.kept", Kind: trimtab.Breach, Endpoint: "flights", Begin: start, Hold: true, Rule: "kept/x.range", Bad: 1, Columns: []string{"x"}})
	if got := page[view.DataPage](t, w, "/data", 200); len(got.Sources) != 1 || got.Sources[0].Snapshots != 1 || len(got.Contracts) != 1 || got.Contracts[0].State != view.CellBad || len(got.Quarantine) != 1 {
		t.Errorf("data: %+v", got)
	}
	if got := page[view.SourcePage](t, w, "/data/sources/rows", 200); len(got.Snapshots) != 1 || got.Source.Endpoint != "flights" {
		t.Errorf("source: %+v", got)
	}
	page[view.SourcePage](t, w, "/data/sources/nothing", 404)
	if got := page[dataset.SnapshotLook](t, w, "/data/sources/rows/snapshots/"+string(digest)+"?against="+string(digest), 200); got.Rows != 100 || len(got.Columns) != 1 || got.Moved != 0 {
		t.Errorf("snapshot: %+v", got)
	}
	page[dataset.SnapshotLook](t, w, "/data/sources/rows/snapshots/"+string(failing), 404) // an object, and no snapshot of this source
	if got := page[view.ContractPage](t, w, "/data/contracts/kept", 200); len(got.Rules) != 1 || got.State[0][0] != 3 || got.Share[0][0] != 0.01 || len(got.Incidents) != 1 {
		t.Errorf("contract: %+v", got)
	}
	about := "?subject=" + url.QueryEscape(subject)
	if got := page[contract.FailingPage](t, w, "/data/contracts/kept/failing"+about, 200); len(got.Rows) != 1 || got.Rows[0].Key != "r1" {
		t.Errorf("failing rows: %+v", got)
	}
	page[contract.FailingPage](t, w, "/data/contracts/kept/failing?subject=nothing", 404)
	res, err := http.Get(w.server.URL + api.Base + "/default/data/contracts/kept/failing.parquet" + about)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if all, err := io.ReadAll(res.Body); err != nil || len(all) != parquet || !bytes.HasPrefix(all, []byte("PAR1")) {
		t.Errorf("the download: %d bytes of %d, %v", len(all), parquet, err)
	}
	if got := page[view.QuarantinePage](t, w, "/data/quarantine/flights", 200); len(got.Holds) == 0 || got.Summary.Holds == 0 {
		t.Errorf("quarantine: %+v", got)
	}
	if got := page[dataset.KeptOutRows](t, w, "/data/quarantine/flights/rows?incident=i&after=z", 200); got.Columns[0] != "i" || got.Next != "z" {
		t.Errorf("rows kept out: %+v", got)
	}
}
