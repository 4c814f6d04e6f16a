package trimtab

// SourceSpec declares where rows come from and what their columns mean. Exactly
// one of Path and Endpoint is given.
type SourceSpec struct {
	// Path is a CSV or Parquet file beside the declaration; apply packs it into
	// the blob store and fills Digest.
	Path   string `json:"path,omitempty"`
	Digest Digest `json:"digest,omitempty"`
	Format string `json:"format,omitempty"` // "parquet" | "csv"; default by the name

	// Endpoint is an endpoint whose served rows these are: the logged inputs, under
	// Key (one column) the request id, under EventTime the event time, and under
	// Label's columns the label and when it became known. A served row is available
	// at its event time.
	Endpoint string `json:"endpoint,omitempty"`

	Key       []string `json:"key"`       // columns that name a row
	EventTime string   `json:"eventTime"` // column: when the row happened
	// AvailableAt is the column of the moment at which the row was known; default EventTime.
	AvailableAt string       `json:"availableAt,omitempty"`
	Label       *SourceLabel `json:"label,omitempty"`
}

// SourceLabel names the label column and the column of the moment at which it becomes known.
type SourceLabel struct {
	Column      string `json:"column"`
	AvailableAt string `json:"availableAt"`
}

// DatasetSpec is a step that takes a snapshot of a source as of a moment.
type DatasetSpec struct {
	Source string `json:"source"`
	// Served is a DataSource of an endpoint: its rows follow those of Source from the
	// endpoint's first logged event time on, in the columns that both have.
	Served string `json:"served,omitempty"`
	AsOf   string `json:"asOf"`             // time or "{{ params.x }}"
	From   string `json:"from,omitempty"`   // event time >= From
	To     string `json:"to,omitempty"`     // event time < To; default AsOf
	Window string `json:"window,omitempty"` // instead of From: a duration before To
	Label  string `json:"label,omitempty"`  // "required" (default) | "optional"
}

// Snapshot is an immutable set of rows of a source as known at AsOf.
type Snapshot struct {
	Workspace  Workspace        `json:"ws"`
	Digest     Digest           `json:"digest"` // of the Parquet object
	Source     string           `json:"source"`
	SourceData Digest           `json:"sourceData,omitzero"`
	AsOf       Time             `json:"asOf"`
	From       Time             `json:"from,omitzero"`
	To         Time             `json:"to"`
	Rows       int64            `json:"rows"`
	Dropped    map[string]int64 `json:"dropped,omitempty"` // reason -> rows, or values of a column that is left out
	Created    Time             `json:"created"`
}

// Object names the snapshot in the journal.
func (s Snapshot) Object() Object {
	return Object{Kind: "snapshot", Name: s.Source, Version: s.Digest.Short()}
}

// Change records the snapshot.
func (s Snapshot) Change() Change {
	return Change{Action: "snapshot.create", Object: s.Object(), After: StateDigest(s), Refs: []Ref{{Kind: "snapshot", Digest: s.Digest}}}
}
