package trimtab

// GainBlock is the loss that a cure would have saved on one block of rows that
// depend on each other: how many rows, the sum over them, and the sum of squares.
type GainBlock struct {
	Key  int64   `json:"k"` // the day since 1970, or the bucket of the block column
	N    float64 `json:"n"`
	Sum  float64 `json:"s"`
	Sum2 float64 `json:"q"`
}

// GainItem is what a cure would have saved in neighbouring windows, merged as they
// grow older, so that a year of windows stays small.
type GainItem struct {
	Start   Time        `json:"start"`
	End     Time        `json:"end"`
	Windows int         `json:"windows"`
	Blocks  []GainBlock `json:"blocks"` // ascending by key
}
