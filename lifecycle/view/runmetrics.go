package view

import "github.com/trimtab/trimtab"

// RunMetrics is a page of the metrics of a run by their keys.
type RunMetrics struct {
	Items []RunFigure `json:"items"`
	Total int64       `json:"total"`          // keys of the run
	Found int64       `json:"found"`          // keys that match
	Next  string      `json:"next,omitempty"` // after= of the next page
}

// RunFigure is a metric of a run: its latest point, and how many there are. Min
// and Max are NaN when all points are.
type RunFigure struct {
	Key   string       `json:"key"`
	Value Number       `json:"value"`
	Step  int64        `json:"step"`
	Time  trimtab.Time `json:"time"`
	Count int64        `json:"count"`
	NaNs  int64        `json:"nans,omitempty"`
	Min   Number       `json:"min"`
	Max   Number       `json:"max"`
}

// RunFiles are the entries of a folder of a run's artifacts.
type RunFiles struct {
	Path  string         `json:"path"`
	Items []RunFileEntry `json:"items"`
	More  int            `json:"more,omitempty"` // entries that are not listed
}

// RunFileEntry is a file or a folder. Kind says how it can be shown: "table",
// "image", "html", "json", "markdown", "text", or "" for what can only be downloaded.
type RunFileEntry struct {
	Name   string         `json:"name"`
	Path   string         `json:"path"`
	Dir    bool           `json:"dir,omitempty"`
	Size   int64          `json:"size"`
	Digest trimtab.Digest `json:"digest,omitempty"`
	Kind   string         `json:"kind,omitempty"`
}
