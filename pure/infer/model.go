package infer

import (
	"math"
	"strconv"
)

// Model is a loaded predictor. It is immutable and safe for concurrent use; a Scratch is not.
//
// Rows come as one row-major slice of rows*len(Features()) float64 values with NaN for missing. A value of
// a float32 or integer column is passed as the float64 that equals it. LightGBM casts a data frame to one
// type before it predicts: when every column is float32 (or an integer that float32 holds, by numpy's
// promotion rules), it predicts from float32 values, else from float64; for such a frame the caller passes
// values rounded to float32. XGBoost rounds every input to float32, which the model does itself.
//
// Predict and Margin allocate nothing. They panic when the lengths of dst and x do not fit rows, or when
// the Scratch belongs to another model: both are mistakes of the calling code, not of its input.
type Model interface {
	// Kind is the library whose answers the model gives.
	Kind() Kind
	// Version is the version of the library whose answers the model gives; for LightGBM the version of
	// the text format ("v4"), which is all its files tell.
	Version() string
	// Features are the inputs in model order. The slice is shared and must not be changed.
	Features() []Feature
	// Outputs is the number of values per row that Predict writes: 1, or one per class or target.
	Outputs() int
	// Margins is the number of values per row that Margin writes.
	Margins() int
	// NumClass is the number of classes of a multi-class model, 2 for a binary one, else 0.
	NumClass() int
	// Objective is the objective as its library names it, or "" when a LightGBM model has none (a custom
	// objective), in which case Predict answers the margin.
	Objective() string
	// Float32Output tells that outputs are float32 values widened to float64, as XGBoost's are.
	Float32Output() bool
	// Predict writes the transformed outputs of rows into dst, rows*Outputs() long.
	Predict(dst, x []float64, rows int, s *Scratch)
	// Margin writes the raw margins of rows into dst, rows*Margins() long.
	Margin(dst, x []float64, rows int, s *Scratch)
	// NewScratch returns working memory that is right for rows rows and serves any number of them.
	// A Scratch must not be used by two calls at once.
	NewScratch(rows int) *Scratch
	// CheckFinite returns a *NotFinite for the first value that Python would refuse to predict from:
	// one that is infinite after rounding to float32, under XGBoost's DMatrix. It returns nil always for
	// LightGBM, and for XGBoost loaded with Options.InPlace: those compare infinities as numbers.
	CheckFinite(x []float64, rows int) error
}

// Feature is one input of a model.
type Feature struct {
	// Name is the name of the column at training, or "" when the model has none.
	Name string
	// Categorical tells that the model treats the column as category codes.
	Categorical bool
	// Categories are the categories of the training data frame in code order, written as text, when the
	// model carries them: XGBoost's cats (since 3.1) or LightGBM's pandas_categorical. Nil otherwise.
	// LightGBM's file leaves open which column a list belongs to when a frame had category columns that
	// were not categorical features (ordered ones, say). What is inconsistent is refused at load; a caller
	// that knows column types should still refuse texts for a column that has no text categories here.
	Categories []string
	// Numbers are the same categories as numbers when they were numbers at training, else nil.
	Numbers []float64

	codes   map[string]int
	numbers map[float64]int
}

// Code returns the code that the model knows for a category, and whether it knows it. Numeric categories
// may be written in any way that reads as the same number. For an unknown category it returns NaN and
// false: LightGBM predicts it as missing, XGBoost refuses the row.
func (f *Feature) Code(category string) (float64, bool) {
	if code, ok := f.codes[category]; ok {
		return float64(code), true
	}
	if f.numbers != nil {
		if v, err := strconv.ParseFloat(category, 64); err == nil {
			return f.CodeNumber(v)
		}
	}
	return math.NaN(), false
}

// CodeNumber is Code for a category that is a number. It knows none when the categories are strings.
func (f *Feature) CodeNumber(category float64) (float64, bool) {
	if code, ok := f.numbers[category]; ok {
		return float64(code), true
	}
	return math.NaN(), false
}

// setCategories gives a feature its encoder. numbers is nil for strings.
func (f *Feature) setCategories(text []string, numbers []float64) {
	f.Categories, f.Numbers = text, numbers
	f.codes = make(map[string]int, len(text))
	for i := len(text) - 1; i >= 0; i-- {
		f.codes[text[i]] = i
	}
	if numbers != nil {
		f.numbers = make(map[float64]int, len(numbers))
		for i := len(numbers) - 1; i >= 0; i-- {
			f.numbers[numbers[i]] = i
		}
	}
}

// Scratch is the working memory of one caller of a model.
type Scratch struct {
	owner any
	f32   lanes[int32]
	f64   lanes[int64]
	sum32 []float32
	sum64 []float64
}

// block is the number of rows evaluated together: enough to hide latency, few enough that their keys and
// one tree stay in the first-level cache.
const block = 64

// check panics unless the arguments of Predict or Margin fit together.
func (s *Scratch) check(owner any, dst, x []float64, rows, outputs, features int) {
	if s == nil || s.owner != owner {
		panic("infer: scratch of another model")
	}
	if rows < 0 || len(dst) != rows*outputs || len(x) != rows*features {
		panic("infer: lengths of dst and x do not fit the number of rows")
	}
}
