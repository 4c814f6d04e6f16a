package view

import (
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// DataPage is all data of a project: where rows come from, what they must look like,
// and what is kept out.
type DataPage struct {
	Sources    []DataSource     `json:"sources"`
	Contracts  []DataContract   `json:"contracts"`
	Quarantine []DataQuarantine `json:"quarantine"`
}

// DataSource is a declared source with its newest snapshot, nil when none was taken.
type DataSource struct {
	Name      string         `json:"name"`
	Path      string         `json:"path,omitempty"`     // of a file
	Endpoint  string         `json:"endpoint,omitempty"` // whose served rows these are
	Format    string         `json:"format,omitempty"`
	Digest    trimtab.Digest `json:"digest,omitempty"` // of the file as declared
	Key       []string       `json:"key"`
	EventTime string         `json:"eventTime"`
	Available string         `json:"available,omitempty"`
	Label     string         `json:"label,omitempty"`
	LabelAt   string         `json:"labelAt,omitempty"`
	Manager   string         `json:"manager,omitempty"`
	Inventory string         `json:"inventory,omitempty"`
	Updated   trimtab.Time   `json:"updated,omitzero"`
	Contracts []string       `json:"contracts"`
	Pipelines []string       `json:"pipelines"` // whose steps read it
	Snapshots int64          `json:"snapshots"`
	Newest    *DataSnapshot  `json:"newest,omitempty"`
}

// DataSnapshot is a snapshot, the pipeline runs that used it and what contracts said.
type DataSnapshot struct {
	Digest     trimtab.Digest   `json:"digest"`
	SourceData trimtab.Digest   `json:"sourceData,omitempty"`
	AsOf       trimtab.Time     `json:"asOf"`
	From       trimtab.Time     `json:"from,omitzero"`
	To         trimtab.Time     `json:"to,omitzero"`
	Rows       int64            `json:"rows"`
	Dropped    map[string]int64 `json:"dropped,omitempty"`
	Created    trimtab.Time     `json:"created"`
	Runs       []DataUse        `json:"runs,omitempty"`
	Verdicts   []DataVerdict    `json:"verdicts,omitempty"`
}

// DataUse is a step of a pipeline run that has a snapshot as its output.
type DataUse struct {
	Run      trimtab.PipelineRunID `json:"run"`
	Pipeline string                `json:"pipeline"`
	Step     string                `json:"step"`
	State    trimtab.PipelineState `json:"state"`
	Created  trimtab.Time          `json:"created"`
}

// DataVerdict is what a contract said of a snapshot.
type DataVerdict struct {
	Contract string `json:"contract"`
	Passed   bool   `json:"passed"`
	Failed   int64  `json:"failed"`
}

// DataContract is a declared contract with its newest result.
type DataContract struct {
	Name     string       `json:"name"`
	Source   string       `json:"source,omitempty"`
	Endpoint string       `json:"endpoint,omitempty"`
	OnFail   string       `json:"onFail"`
	Rules    int          `json:"rules"`
	State    string       `json:"state"` // a state of a cell
	Broken   []string     `json:"broken"`
	Subject  string       `json:"subject,omitempty"`
	At       trimtab.Time `json:"at,omitzero"`
	Rows     int64        `json:"rows"`
	Failed   int64        `json:"failed"`
	Spark    []Figure     `json:"spark,omitempty"` // share of failing rows, oldest first
}

// DataQuarantine is what is kept out of one endpoint's rows. Logged counts the rows
// that contracts quarantined, since the log began.
type DataQuarantine struct {
	Endpoint string       `json:"endpoint"`
	Holds    int          `json:"holds"` // incidents that hold rows
	Released int          `json:"released"`
	Rows     int64        `json:"rows"` // that those holding hold
	Logged   int64        `json:"logged"`
	Newest   trimtab.Time `json:"newest,omitzero"` // begin of the newest
	Columns  []string     `json:"columns"`
}

// SourceOf shows a declared source.
func SourceOf(r trimtab.Resource, s trimtab.SourceSpec) DataSource {
	d := DataSource{Name: r.Name, Path: s.Path, Endpoint: s.Endpoint, Format: s.Format, Digest: s.Digest, Key: s.Key, EventTime: s.EventTime, Available: s.AvailableAt,
		Manager: r.Manager, Inventory: r.Inventory, Updated: r.Updated, Contracts: []string{}, Pipelines: []string{}}
	if d.Format == "" && s.Endpoint == "" {
		d.Format = "parquet"
		if strings.HasSuffix(strings.ToLower(s.Path), ".csv") {
			d.Format = "csv"
		}
	}
	if d.Key == nil {
		d.Key = []string{}
	}
	if s.Label != nil {
		d.Label, d.LabelAt = s.Label.Column, s.Label.AvailableAt
	}
	return d
}

// ReadBy reports whether a pipeline has a step that takes rows of the source.
func ReadBy(s trimtab.PipelineSpec, source string) bool {
	return slices.ContainsFunc(s.Steps, func(x trimtab.StepSpec) bool {
		return x.Dataset != nil && (x.Dataset.Source == source || x.Dataset.Served == source)
	})
}

// SnapshotOf shows a snapshot. Runs are recent pipeline runs with their steps, results
// those of contracts of the source.
func SnapshotOf(s trimtab.Snapshot, runs []trimtab.PipelineRun, results []trimtab.ContractResult) DataSnapshot {
	d := DataSnapshot{Digest: s.Digest, SourceData: s.SourceData, AsOf: s.AsOf, From: s.From, To: s.To, Rows: s.Rows, Dropped: s.Dropped, Created: s.Created}
	for _, r := range runs {
		for _, x := range r.Steps {
			if x.Outputs[trimtab.RowsOutput] == s.Digest {
				d.Runs = append(d.Runs, DataUse{Run: r.ID, Pipeline: r.Pipeline, Step: x.Name, State: r.State, Created: r.Created})
			}
		}
	}
	for _, r := range results {
		if r.Subject == "snapshot "+string(s.Digest) {
			d.Verdicts = append(d.Verdicts, DataVerdict{Contract: r.Contract, Passed: r.Passed, Failed: r.Failed})
		}
	}
	return d
}

// ContractOf shows a declared contract with its results, the newest first.
func ContractOf(name string, s trimtab.DataContractSpec, results []trimtab.ContractResult) DataContract {
	c := DataContract{Name: name, Source: s.Source, Endpoint: s.Endpoint, OnFail: cmp.Or(s.OnFail, trimtab.OnFailReport), State: CellNone, Broken: []string{}}
	for _, r := range slices.Backward(results) {
		share := math.NaN()
		if r.Rows > 0 {
			share = float64(r.Failed) / float64(r.Rows)
		}
		c.Spark = append(c.Spark, short(share))
	}
	if len(results) == 0 {
		return c
	}
	r := results[0]
	c.Rules, c.State, c.Subject, c.At, c.Rows, c.Failed = len(r.Results), CellOK, r.Subject, r.At, r.Rows, r.Failed
	if broken := BrokenRules(r); len(broken) > 0 || !r.Passed {
		c.State, c.Broken = CellBad, append(c.Broken, broken[:min(len(broken), 20)]...)
	}
	return c
}

// QuarantineOf sums up what incidents hold of an endpoint's rows.
func QuarantineOf(endpoint string, incidents []trimtab.Incident, logged int64) DataQuarantine {
	q := DataQuarantine{Endpoint: endpoint, Logged: logged, Columns: []string{}}
	for _, i := range incidents {
		if !i.Hold {
			continue
		}
		q.Newest = max(q.Newest, i.Begin)
		if i.Released {
			q.Released++
			continue
		}
		q.Holds++
		q.Rows += i.Bad
		for _, c := range i.Columns {
			if !slices.Contains(q.Columns, c) && len(q.Columns) < 12 {
				q.Columns = append(q.Columns, c)
			}
		}
	}
	return q
}

// SourcePage is a source with its snapshots, the newest first.
type SourcePage struct {
	Source    DataSource        `json:"source"`
	Snapshots []DataSnapshot    `json:"snapshots"`
	Next      trimtab.PageToken `json:"next,omitempty"`
}

// ContractPage is a contract and its results over time by columns: the i-th entry of
// every list of Sets, and of each row of Share and State, is that of the i-th set.
type ContractPage struct {
	Contract DataContract   `json:"contract"`
	Key      []string       `json:"key"`
	Rules    []ContractRule `json:"rules"`
	Sets     ContractSets   `json:"sets"`
	// Share of the rows judged that break a rule, null where it was not judged.
	Share [][]Figure `json:"share"`
	// State is 0 for not judged, 1 kept, 2 rows fail within what is allowed, 3 broken, 4 a warning.
	State     [][]int           `json:"state"`
	Incidents []MonitorIncident `json:"incidents"`
	More      bool              `json:"more,omitempty"` // older results exist
}

// ContractRule is a rule as it was judged last, with the first failing rows of that set.
type ContractRule struct {
	Rule     string              `json:"rule"`
	Column   string              `json:"column,omitempty"`
	Severity string              `json:"severity"`
	OnFail   string              `json:"onFail"`
	Expected string              `json:"expected,omitempty"`
	Allowed  float64             `json:"allowed"`
	Examples []trimtab.FailedRow `json:"examples"`
}

// ContractSets are the sets of rows that were judged, in order of time.
type ContractSets struct {
	Subject []string         `json:"subject"`
	At      []int64          `json:"at"`
	Rows    []int64          `json:"rows"`
	Failed  []int64          `json:"failed"`
	Passed  []bool           `json:"passed"`
	Failing []trimtab.Digest `json:"failing"` // object with all failing rows, "" for none
}

// ContractPageOf puts results, the newest first, into columns.
func ContractPageOf(name string, s trimtab.DataContractSpec, results []trimtab.ContractResult, incidents []trimtab.Incident, more bool) ContractPage {
	n := len(results)
	p := ContractPage{Contract: ContractOf(name, s, results[:min(n, 24)]), Key: s.Key, Rules: []ContractRule{}, Share: [][]Figure{}, State: [][]int{}, Incidents: []MonitorIncident{}, More: more,
		Sets: ContractSets{Subject: make([]string, n), At: make([]int64, n), Rows: make([]int64, n), Failed: make([]int64, n), Passed: make([]bool, n), Failing: make([]trimtab.Digest, n)}}
	if p.Key == nil {
		p.Key = []string{}
	}
	at := map[string]int{}
	for i, r := range results {
		k := n - 1 - i
		p.Sets.Subject[k], p.Sets.At[k], p.Sets.Rows[k], p.Sets.Failed[k], p.Sets.Passed[k], p.Sets.Failing[k] = r.Subject, int64(r.At), r.Rows, r.Failed, r.Passed, r.FailingRows
		for _, x := range r.Results {
			j, ok := at[x.Rule]
			if !ok {
				j = len(p.Rules)
				at[x.Rule] = j
				p.Rules = append(p.Rules, ContractRule{Rule: x.Rule, Column: x.Column, Severity: cmp.Or(x.Severity, trimtab.SeverityError), OnFail: cmp.Or(x.OnFail, trimtab.OnFailReport), Expected: x.Expected, Allowed: x.Allowed, Examples: []trimtab.FailedRow{}})
				p.Share, p.State = append(p.Share, blank(n)), append(p.State, make([]int, n))
			}
			if len(p.Rules[j].Examples) == 0 && len(x.Examples) > 0 {
				p.Rules[j].Examples = x.Examples
			}
			if x.Rows > 0 {
				p.Share[j][k] = short(float64(x.Failed) / float64(x.Rows))
			} else if !x.Passed {
				p.Share[j][k] = 1
			}
			p.State[j][k] = judgedCode(x)
		}
	}
	for _, i := range incidents {
		if i.Kind == trimtab.Breach && (i.Rule == "" || strings.HasPrefix(i.Rule, name+"/")) {
			p.Incidents = append(p.Incidents, MonitorIncident{ID: i.ID, Kind: i.Kind, Severity: i.Severity, Begin: i.Begin, End: i.End, Open: i.Closed == 0, Columns: i.Columns[:min(len(i.Columns), 12)],
				Cause: i.Cause, Hold: i.Hold, Released: i.Released, Bad: i.Bad})
		}
	}
	return p
}

func judgedCode(x trimtab.RuleResult) int {
	switch {
	case !x.Passed && x.Severity == trimtab.SeverityWarning:
		return 4
	case !x.Passed:
		return 3
	case x.Failed > 0:
		return 2
	}
	return 1
}

// QuarantinePage is what is kept out of an endpoint's rows: the incidents that hold
// rows, those not released first, and the rows that contracts quarantined by rule.
type QuarantinePage struct {
	Endpoint string         `json:"endpoint"`
	Holds    []DataHold     `json:"holds"`
	Logged   int64          `json:"logged"`
	Summary  DataQuarantine `json:"summary"`
}

// DataHold is an incident that holds rows.
type DataHold struct {
	ID         string               `json:"id"`
	Kind       trimtab.IncidentKind `json:"kind"`
	Severity   trimtab.Severity     `json:"severity"`
	Columns    []string             `json:"columns"`
	Fault      string               `json:"fault,omitempty"`
	Rule       string               `json:"rule,omitempty"`
	Cause      string               `json:"cause"`
	Remedy     string               `json:"remedy,omitempty"`
	Begin      trimtab.Time         `json:"begin"`
	End        trimtab.Time         `json:"end,omitzero"`
	Rows       int64                `json:"rows"` // of the span
	Bad        int64                `json:"bad"`  // of them held
	Open       bool                 `json:"open,omitempty"`
	Released   bool                 `json:"released,omitempty"`
	ReleasedBy string               `json:"releasedBy,omitempty"`
	Note       string               `json:"note,omitempty"`
}

// QuarantinePageOf sorts the incidents of an endpoint, which come the newest first.
func QuarantinePageOf(endpoint string, incidents []trimtab.Incident, logged int64) QuarantinePage {
	p := QuarantinePage{Endpoint: endpoint, Holds: []DataHold{}, Logged: logged, Summary: QuarantineOf(endpoint, incidents, logged)}
	for _, i := range incidents {
		if !i.Hold {
			continue
		}
		h := DataHold{ID: i.ID, Kind: i.Kind, Severity: i.Severity, Columns: i.Columns, Fault: i.Fault, Rule: i.Rule, Cause: i.Cause, Remedy: i.Remedy, Begin: i.Begin, End: i.End,
			Rows: i.Rows, Bad: i.Bad, Open: i.Closed == 0, Released: i.Released, ReleasedBy: i.ReleasedBy, Note: i.Note}
		if h.Columns == nil {
			h.Columns = []string{}
		}
		p.Holds = append(p.Holds, h)
	}
	slices.SortStableFunc(p.Holds, func(a, b DataHold) int {
		rank := func(h DataHold) int {
			if h.Released {
				return 1
			}
			return 0
		}
		return cmp.Compare(rank(a), rank(b))
	})
	return p
}

// PipelineSpecOf decodes the spec of a pipeline run or resource; zero when it does not decode.
func PipelineSpecOf(raw json.RawMessage) (s trimtab.PipelineSpec) {
	if json.Unmarshal(raw, &s) != nil {
		return trimtab.PipelineSpec{}
	}
	return s
}
