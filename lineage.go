package trimtab

// Tags of a model version that say where it comes from. A version made outside of
// a pipeline may carry TrainedUntilTag itself: milliseconds since 1970, or RFC 3339.
const (
	TrainedUntilTag = "trimtab.trained_until"
	ParentTag       = "trimtab.parent" // the version that a recalibrated one corrects
)

// Lineage is what a model version has learnt from.
type Lineage struct {
	Model   ModelName `json:"model"`
	Version Version   `json:"version"`
	// Until is the moment up to which rows were known to its training: no row with an
	// event time before it may test it.
	Until Time `json:"until"`
	// Parent is the version that this one recalibrates, 0 for none.
	Parent   Version       `json:"parent,omitzero"`
	Run      PipelineRunID `json:"run,omitzero"`
	Snapshot Digest        `json:"snapshot,omitzero"` // its training rows, a Parquet object
	Source   string        `json:"source,omitzero"`
	Label    string        `json:"label,omitzero"` // the snapshot's label column
}
