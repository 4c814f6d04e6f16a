package app

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
)

// What pages see of the data plane: routes, a request to try, a trial, and the
// traffic of the last minutes, in the shapes of package view.

const (
	minuteSteps = int(time.Minute / serve.RecentStep)
	sparkSteps  = 3   // steps of one value of a spark
	maxRecent   = 500 // endpoints
	maxValues   = 200 // categories of a column
)

// Routes fills in what is loaded for an endpoint and what a request looks like.
func (d dataPlane) Routes(ctx context.Context, p *view.EndpointPage, open *trimtab.Rollout) {
	e, err := d.serve.Endpoint(trimtab.CallOf(ctx).Workspace, p.Endpoint.Name)
	if err != nil {
		return
	}
	candidate := trimtab.Version(0)
	if open != nil && p.Endpoint.Serving != open.To {
		candidate = open.To
	}
	left := 1.0
	for i, m := range e.LoadedVersions() {
		x := view.EndpointRoute{Version: m.Version, Role: "spare", Flavor: m.Flavor}
		x.Requests, x.Errors = e.Counts(m.Version)
		x.Scored, x.Failed = e.ShadowCounts(m.Version)
		switch {
		case i == 0:
			x.Role = "answers"
			p.Flavor, p.Library, p.Outputs = m.Flavor, m.Library, m.OutputNames()
			for _, f := range m.Inputs() {
				values := m.Categories(f.Name)
				p.Columns = append(p.Columns, view.EndpointColumn{Name: f.Name, Type: f.Type.String(), Required: m.Required(f.Name), Values: values[:min(len(values), maxValues)]})
			}
		case m.Version == candidate && open.Share > 0 && open.Share < 1:
			x.Role, x.Share = "canary", open.Share
			left -= open.Share
		case m.Version == candidate:
			x.Role = "shadow"
		}
		p.Routes = append(p.Routes, x)
	}
	if len(p.Routes) > 0 {
		p.Routes[0].Share = left
	}
}

// Requests counts what a version was asked since the server started.
func (d dataPlane) Requests(ctx context.Context, endpoint string, version trimtab.Version) (requests, errors int64) {
	e, err := d.serve.Endpoint(trimtab.CallOf(ctx).Workspace, endpoint)
	if err != nil {
		return 0, 0
	}
	return e.Counts(version)
}

// Try scores a request without logging or counting it.
func (d dataPlane) Try(ctx context.Context, endpoint string, body []byte, version trimtab.Version) (out view.EndpointTrial, err error) {
	e, err := d.serve.Endpoint(trimtab.CallOf(ctx).Workspace, endpoint)
	if err != nil {
		return out, err
	}
	r, err := e.Try(body, "application/json", version)
	if err != nil {
		return out, err
	}
	out = view.EndpointTrial{Version: r.Version, Rows: r.Rows, Outputs: r.Names, Values: []view.Figure{}, Micros: r.Took.Microseconds()}
	for _, v := range r.Values {
		out.Values = append(out.Values, view.Figure(v))
	}
	return out, nil
}

// Example is a request to try an endpoint with.
func (d dataPlane) Example(ctx context.Context, endpoint string) (view.EndpointExample, error) {
	e, err := d.serve.Endpoint(trimtab.CallOf(ctx).Workspace, endpoint)
	if err != nil {
		return view.EndpointExample{}, err
	}
	return exampleOf(ctx, e)
}

// exampleOf makes a request of one row in the shape of the version that answers: from
// the last row that was logged, where that has the columns, else of typed zero values.
func exampleOf(ctx context.Context, e *serve.Endpoint) (out view.EndpointExample, err error) {
	m := e.Current()
	if m == nil {
		return out, trimtab.Errorf(trimtab.Unavailable, "endpoint "+e.Name, "endpoint %s has no version to answer with, so nothing says what a request looks like", e.Name)
	}
	last, err := e.Log().Last(ctx)
	if err != nil {
		return out, err
	}
	out.Source = "zero"
	if last != nil && last.Inputs != nil {
		out.Source, out.At, out.ID = "logged", last.EventTimes[0], last.IDs[0]
	}
	fields := m.Inputs()
	names, values := make([]string, len(fields)), make([]any, len(fields))
	tensors := []any{}
	for i, f := range fields {
		names[i] = f.Name
		values[i] = zeroOf(m, f)
		if out.Source == "logged" {
			if c := last.Inputs.Column(f.Name); c != nil {
				values[i] = jsonValue(c)
			} else if m.Required(f.Name) {
				out.Source = "zero"
			}
		}
		tensors = append(tensors, map[string]any{"name": f.Name, "shape": []int{1}, "datatype": schema.Datatype(f.Type), "data": []any{values[i]}})
	}
	if out.Body, err = pretty(map[string]any{"dataframe_split": map[string]any{"columns": names, "data": [][]any{values}}}); err != nil {
		return out, err
	}
	out.V2, err = pretty(map[string]any{"inputs": tensors})
	return out, err
}

func pretty(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return string(bytes.TrimSpace(b.Bytes())), err
}

// jsonValue is the value of the only row of a column, as JSON has it.
func jsonValue(c *table.Column) any {
	if c.Missing(0) {
		return nil
	}
	switch v := c.Value(0).(type) {
	case float64:
		if math.IsInf(v, 0) {
			return nil
		}
		return v
	case float32:
		return v
	case time.Time:
		return v.UTC().Format(time.RFC3339Nano)
	default:
		return v
	}
}

// zeroOf is a value of the type that the model takes: its first category where it has some.
func zeroOf(m *serve.Model, f table.Field) any {
	if values := m.Categories(f.Name); len(values) > 0 && f.Type == table.String {
		return values[0]
	}
	switch f.Type {
	case table.Bool:
		return false
	case table.String:
		return ""
	case table.Bytes:
		return []byte{}
	case table.Datetime:
		return "2026-01-01T00:00:00Z"
	}
	return 0
}

// Recent is the last n steps that are over.
func (d dataPlane) Recent(ctx context.Context, endpoint string, n int) view.RecentTraffic {
	now := time.Now()
	out := view.RecentTraffic{Now: trimtab.Time(now.UnixMilli()), Endpoints: []view.EndpointTraffic{}}
	ws := trimtab.CallOf(ctx).Workspace
	over := now.Add(-serve.RecentStep)
	if endpoint != "" {
		if e, err := d.serve.Endpoint(ws, endpoint); err == nil {
			out.Endpoints = append(out.Endpoints, oneTraffic(e, over, n))
		}
		return out
	}
	for _, e := range d.serve.Endpoints(ws) {
		if len(out.Endpoints) == maxRecent {
			break
		}
		all, versions := e.Recent(over, serve.RecentSteps-1)
		if len(versions) == 0 {
			continue // nothing in all that time
		}
		x := view.EndpointTraffic{Endpoint: e.Name, Minute: minute(all), Start: all.Starts[0], Step: serve.RecentStep.Milliseconds() * sparkSteps}
		for i := len(all.Counts) % sparkSteps; i+sparkSteps <= len(all.Counts); i += sparkSteps {
			x.Spark = append(x.Spark, perSecond(all.Sum(i, i+sparkSteps).Requests, sparkSteps))
		}
		out.Endpoints = append(out.Endpoints, x)
	}
	return out
}

// oneTraffic is the traffic of an endpoint by version; the sums of a minute need more steps than are told.
func oneTraffic(e *serve.Endpoint, over time.Time, n int) view.EndpointTraffic {
	all, versions := e.Recent(over, max(n, minuteSteps))
	from := len(all.Starts) - n
	series := seriesOf(all, from)
	x := view.EndpointTraffic{Endpoint: e.Name, Minute: minute(all), Start: all.Starts[from], Step: serve.RecentStep.Milliseconds(), All: &series, Versions: []view.VersionTraffic{}}
	for _, v := range versions {
		x.Versions = append(x.Versions, view.VersionTraffic{Version: v.Version, Minute: minute(v), Series: seriesOf(v, from)})
	}
	return x
}

func minute(r serve.Recent) view.TrafficSummary {
	to := len(r.Counts)
	from := max(to-minuteSteps, 0)
	c := r.Sum(from, to)
	return view.TrafficSummary{Requests: c.Requests, Rate: perSecond(c.Requests, to-from), Failed: c.Failed, Invalid: c.Invalid, Refused: c.Refused,
		P50: millis(r.Quantile(0.5, from, to)), P99: millis(r.Quantile(0.99, from, to))}
}

func seriesOf(r serve.Recent, from int) (s view.TrafficSeries) {
	for i := from; i < len(r.Counts); i++ {
		c := r.Counts[i]
		s.Rate = append(s.Rate, perSecond(c.Requests, 1))
		s.Rows = append(s.Rows, perSecond(c.Rows, 1))
		failed, refused := math.NaN(), math.NaN()
		if c.Requests > 0 {
			failed, refused = float64(c.Failed)/float64(c.Requests), float64(c.Invalid+c.Refused)/float64(c.Requests)
		}
		s.Failed, s.Refused = append(s.Failed, figure(failed)), append(s.Refused, figure(refused))
		s.P50, s.P99 = append(s.P50, millis(r.Quantile(0.5, i, i+1))), append(s.P99, millis(r.Quantile(0.99, i, i+1)))
	}
	return s
}

// perSecond is a count over some steps as a rate.
func perSecond(n int64, steps int) view.Figure {
	return figure(float64(n) / (serve.RecentStep.Seconds() * float64(max(steps, 1))))
}

// millis is a duration in milliseconds, null for none.
func millis(d time.Duration) view.Figure {
	if d == 0 {
		return view.Figure(math.NaN())
	}
	return figure(float64(d) / float64(time.Millisecond))
}

// figure rounds to what a page shows.
func figure(v float64) view.Figure { return view.Figure(math.Round(v*10_000) / 10_000) }
