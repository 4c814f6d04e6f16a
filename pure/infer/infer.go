// Package infer loads gradient-boosted tree models and answers exactly what their own libraries answer.
// It owns the readers of the formats that XGBoost (JSON, UBJSON) and LightGBM (text) write, the memory
// layout the trees are evaluated in, and the ports of the C library functions their outputs pass through,
// so that margins and predictions agree with Python in every bit.
//
// It refuses what it cannot answer exactly: a construct, an objective or a format version outside the
// checked set fails at load with an [*Unsupported] that names it, and is never approximated. It reads no
// files, knows no signatures and no flavors: which columns make a row, and whether a caller wants labels
// or probabilities, is decided above.
//
// The two libraries differ between processors in one point: glibc has a double exp with and one without
// fused multiply-add, which disagree in about 0.07 % of arguments. This package follows the fused one, which
// glibc chooses wherever the processor has the instruction: arm64, and nearly all x86-64 since 2013.
package infer

import (
	"bytes"
	"fmt"
	"math"
)

// Kind names the library whose answers a model gives.
type Kind string

// The kinds of models.
const (
	XGBoost  Kind = "xgboost"
	LightGBM Kind = "lightgbm"
)

// Format names how a model is written.
type Format string

// The formats that Load reads.
const (
	FormatXGBoostJSON  Format = "xgboost-json"
	FormatXGBoostUBJ   Format = "xgboost-ubj"
	FormatLightGBMText Format = "lightgbm-text"
)

// Options steer Load. The zero value is right for a model that runs under the library that wrote it and
// predicts through Booster.predict.
type Options struct {
	// LibraryVersion is the version of the library whose answers are wanted, as pinned by the model's
	// requirements ("3.1.3"). Empty means the version written in the file. It matters for XGBoost only:
	// versions differ in how they clamp an extreme base_score and in which spelling of it they read.
	LibraryVersion string
	// InPlace says that Python predicts through XGBoost's inplace_predict, as its scikit-learn wrappers
	// do, and not through a DMatrix. The first accepts infinities (see Model.CheckFinite) and adds the
	// trees of a DART model in another way.
	InPlace bool
	// BestIteration cuts an XGBoost model after the best iteration of early stopping where the file
	// records one, as the scikit-learn wrappers do. Booster.predict uses all trees.
	BestIteration bool
	// Limits bound what a file may make Load allocate.
	Limits Limits
}

// Limits bound a model file. A zero field means the default in brackets.
type Limits struct {
	Bytes    int // length of the file [1 GiB]
	Features int // features [1 << 20]
	Trees    int // trees [1 << 20]
	Nodes    int // nodes of all trees together [1 << 26]
	SetBytes int // memory of the category sets of all nodes, expanded to bits [256 MiB]
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int
		value int
	}{{&l.Bytes, 1 << 30}, {&l.Features, 1 << 20}, {&l.Trees, 1 << 20}, {&l.Nodes, 1 << 26}, {&l.SetBytes, 256 << 20}} {
		if *f.field <= 0 {
			*f.field = f.value
		}
	}
	l.Nodes, l.SetBytes = min(l.Nodes, math.MaxInt32), min(l.SetBytes, 8<<30) // what the layout can address
	return l
}

// maxGroups bounds the margins per row, of which a Scratch holds a block.
const maxGroups = 1 << 16

// Detect tells the format of a model file from its first bytes. It returns a *FormatError when data begins
// like none of them; a file that it recognises may still fail to load.
func Detect(data []byte) (Format, error) {
	rest := bytes.TrimLeft(data, " \t\r\n")
	switch {
	case len(data) > 9 && data[0] == '{' && bytes.IndexByte([]byte("LlIiU#$"), data[1]) >= 0:
		return FormatXGBoostUBJ, nil
	case len(rest) > 0 && rest[0] == '{':
		return FormatXGBoostJSON, nil
	case bytes.HasPrefix(rest, []byte("tree\n")), bytes.HasPrefix(rest, []byte("tree\r\n")):
		return FormatLightGBMText, nil
	case bytes.HasPrefix(data, []byte("binf")), bytes.HasPrefix(data, []byte("bs64")):
		return "", &Unsupported{Construct: "XGBoost's old binary format", Where: "file header"}
	}
	return "", &FormatError{What: "unknown beginning of file", Want: "an XGBoost JSON or UBJSON object, or a LightGBM text model"}
}

// Load reads a model. It returns a *FormatError for a file that is malformed or exceeds a limit, and an
// *Unsupported for one that cannot be answered exactly. The model keeps no reference to data.
func Load(data []byte, format Format, opt Options) (Model, error) {
	opt.Limits = opt.Limits.withDefaults()
	if len(data) > opt.Limits.Bytes {
		return nil, &FormatError{What: fmt.Sprintf("file of %d bytes", len(data)), Want: fmt.Sprintf("at most %d bytes", opt.Limits.Bytes)}
	}
	switch format {
	case FormatXGBoostJSON:
		doc, err := parseJSON(data)
		if err != nil {
			return nil, err
		}
		return loadXGBoost(doc, opt)
	case FormatXGBoostUBJ:
		doc, err := parseUBJ(data)
		if err != nil {
			return nil, err
		}
		return loadXGBoost(doc, opt)
	case FormatLightGBMText:
		return loadLightGBM(data, opt)
	}
	return nil, &Unsupported{Construct: fmt.Sprintf("format %q", format), Where: "load"}
}
