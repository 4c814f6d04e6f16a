package infer

import "fmt"

// Unsupported says that a model uses something this package does not answer exactly.
type Unsupported struct {
	Construct string // what is not served, as its library calls it: "gblinear", "linear_tree"
	Where     string // the place in the model
}

func (e *Unsupported) Error() string {
	return fmt.Sprintf("infer: %s is not supported natively (%s)", e.Construct, e.Where)
}

// FormatError says that a file is malformed or exceeds a limit. Offset counts bytes and Line lines from 1;
// the one that the format does not use is zero.
type FormatError struct {
	Offset int
	Line   int
	What   string // what was found, and where
	Want   string // what belongs there
}

func (e *FormatError) Error() string {
	place := ""
	switch {
	case e.Line > 0:
		place = fmt.Sprintf("line %d: ", e.Line)
	case e.Offset > 0:
		place = fmt.Sprintf("offset %d: ", e.Offset)
	}
	return fmt.Sprintf("infer: malformed model: %s%s, want %s", place, e.What, e.Want)
}

// NotFinite says that a row holds a value which the library behind the model refuses.
type NotFinite struct {
	Row, Column int // from 0
	Value       float64
}

func (e *NotFinite) Error() string {
	return fmt.Sprintf("infer: row %d, column %d: %v is infinite or too large for float32, which XGBoost's DMatrix refuses", e.Row, e.Column, e.Value)
}
