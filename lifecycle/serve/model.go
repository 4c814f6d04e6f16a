package serve

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"sync"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/infer"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
)

// Files reads one file of a model folder whole. It returns an error that is
// fs.ErrNotExist when the folder has no such file.
type Files func(ctx context.Context, path string) ([]byte, error)

// Folder reads a model folder on this machine, never outside of it.
func Folder(dir string) Files {
	return func(_ context.Context, name string) ([]byte, error) {
		root, err := os.OpenRoot(dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return root.ReadFile(path.Clean(name))
	}
}

// What a model answers with.
const (
	Predict = "predict" // what mlflow.pyfunc.load_model(...).predict answers
	Proba   = "proba"   // probabilities
	Margin  = "margin"  // raw margins
)

// Model is one model loaded to answer. It is immutable and serves any number of
// goroutines.
type Model struct {
	Name     trimtab.ModelName
	Version  trimtab.Version
	Manifest trimtab.Digest

	Flavor    string // "lightgbm (Booster)"
	Library   string // version of the library whose answers are given
	Signature schema.Signature
	Output    string // Predict, Proba or Margin

	model   infer.Model
	library string        // "lightgbm", "xgboost"
	inputs  []table.Field // of the signature, nil when there is none
	width   int           // numbers of an answer per row
	flat    bool          // one number a row, which MLflow prints without inner brackets
	labels  bool          // the answer is class labels, printed as integers
	binary  bool          // one output that is a probability
	names   []string      // of the logged outputs
	example []byte
	bytes   int64 // of memory, by estimate
	// calibrated corrects the score of a recalibrated version, nil for others.
	calibrated *calibrator

	decoders sync.Pool // *schema.Decoder
	workers  sync.Pool // *worker
}

// Options steer Load. The zero value answers what pyfunc answers.
type Options struct {
	Output string // Predict (default), Proba or Margin
}

// Load loads a model folder as MLflow writes it. What is not served natively is
// an error of kind Unsupported that names the construct; a folder that is
// incomplete or damaged is Invalid.
func Load(ctx context.Context, files Files, opt Options) (_ *Model, err error) {
	raw, err := files(ctx, "MLmodel")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, trimtab.Errorf(trimtab.Invalid, "model", "there is no file MLmodel: this is no model that MLflow has logged")
	}
	if err != nil {
		return nil, err
	}
	ml, err := parseMLmodel(raw)
	if err != nil {
		return nil, err
	}
	var c *Calibration
	if ml.calibrated() {
		if c, err = readCalibration(ctx, files); err != nil {
			return nil, err
		}
		ml.Flavors["python_function"]["loader_module"] = c.Loader
	}
	f, err := ml.flavor()
	if err != nil {
		return nil, err
	}
	m := &Model{Flavor: f.String(), Output: opt.Output, library: f.name}
	if m.Output == "" {
		m.Output = Predict
	}
	if m.Signature, err = ml.signature(); err != nil {
		return nil, err
	}
	requirements, err := files(ctx, "requirements.txt")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	version := pinnedVersion(requirements, f.name)
	if version == "" {
		version = f.version
	}
	data, err := files(ctx, f.data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, trimtab.Errorf(trimtab.Invalid, "model", "MLmodel names the file %s, which is not there", f.data)
	}
	if err != nil {
		return nil, err
	}
	format, err := infer.Detect(data)
	if err != nil {
		return nil, inferError(f, err)
	}
	if want := map[infer.Format]string{infer.FormatLightGBMText: "lightgbm", infer.FormatXGBoostJSON: "xgboost", infer.FormatXGBoostUBJ: "xgboost"}[format]; want != f.name {
		return nil, trimtab.Errorf(trimtab.Invalid, "model", "the file %s of flavor %s is a model of %s", f.data, f.name, want)
	}
	wrapper := f.name == "xgboost" && f.class != "Booster" && f.class != ""
	m.model, err = infer.Load(data, format, infer.Options{LibraryVersion: version, InPlace: wrapper, BestIteration: wrapper})
	if err != nil {
		return nil, inferError(f, err)
	}
	m.Library = m.model.Version()
	m.bytes = 2 * int64(len(data))
	if err := m.answer(f, wrapper); err != nil {
		return nil, err
	}
	if c != nil {
		if c.Labels != m.labels && m.Output == Predict {
			return nil, trimtab.Errorf(trimtab.Invalid, "model", "%s says labels: %v of a model of class %s", CalibrationFile, c.Labels, f.class)
		}
		if err := m.calibrates(c.Kind); err != nil {
			return nil, err
		}
		m.calibrated = &calibrator{logit: c.Kind == Logit, steps: c.steps()}
		m.Flavor += ", recalibrated"
	}
	if err := m.bind(f); err != nil {
		return nil, err
	}
	if ml.Example != nil && ml.Example.Serving != "" {
		if m.example, err = files(ctx, ml.Example.Serving); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return m, nil
}

// inferError turns an error of the loader into one that people read.
func inferError(f flavor, err error) error {
	if u, ok := errors.AsType[*infer.Unsupported](err); ok {
		return trimtab.Errorf(trimtab.Unsupported, "model", "this model of flavor %s is not served natively: %s", f.name, u.Error())
	}
	return trimtab.Errorf(trimtab.Invalid, "model", "the file %s cannot be loaded: %s", f.data, err)
}

// answer decides what a row's answer is made of.
func (m *Model) answer(f flavor, wrapper bool) error {
	classes := m.model.NumClass()
	classifier := f.class == "XGBClassifier" || f.class == "XGBRFClassifier"
	m.width = m.model.Outputs()
	m.binary = classes == 2 && m.width == 1
	switch m.Output {
	case Predict:
		if classifier {
			m.labels = true
			if m.width == 1 && classes > 2 {
				return trimtab.Errorf(trimtab.Unsupported, "model", "an %s with objective %s is not served natively", f.class, m.model.Objective())
			}
			m.width = 1
		}
	case Proba:
		if classes == 0 || (classes > 2 && m.width == 1) {
			return trimtab.Errorf(trimtab.Unsupported, "model", "a model with objective %q has no probabilities; output %q and %q are what it can answer", m.model.Objective(), Predict, Margin)
		}
		if wrapper && m.binary {
			m.width = 2
		}
	case Margin:
		m.width = m.model.Margins()
	default:
		return trimtab.Errorf(trimtab.Invalid, "model", "output %q: expected %q, %q or %q", m.Output, Predict, Proba, Margin)
	}
	m.flat = m.width == 1
	if m.flat {
		m.names = []string{"prediction"}
	} else {
		for k := range m.width {
			m.names = append(m.names, "prediction_"+strconv.Itoa(k))
		}
	}
	if m.scored() {
		m.names = append(m.names, "score")
	}
	return nil
}

// scored reports whether the probability is logged beside the answer.
func (m *Model) scored() bool {
	return m.binary && (m.labels || (m.Output == Proba && m.width == 2))
}

// bind checks that the columns of the signature are the features of the model.
func (m *Model) bind(f flavor) error {
	if m.Signature.Inputs.Empty() {
		return nil
	}
	fields, err := m.Signature.Inputs.Fields()
	if err != nil {
		return trimtab.Errorf(trimtab.Unsupported, "model", "the signature is not served natively: %s", err)
	}
	features := m.model.Features()
	if len(fields) != len(features) {
		return trimtab.Errorf(trimtab.Invalid, "model", "the signature has %d columns, the model %d features", len(fields), len(features))
	}
	named := len(m.Signature.Inputs.Columns) > 0 && m.Signature.Inputs.Columns[0].Named
	for i, c := range fields {
		if named && f.name == "xgboost" && features[i].Name != "" && features[i].Name != c.Name {
			return trimtab.Errorf(trimtab.Invalid, "model", "column %d of the signature is %q, feature %d of the model %q: XGBoost would refuse it", i, c.Name, i, features[i].Name)
		}
		if err := fits(&features[i], c.Name, c.Type); err != nil {
			return err
		}
	}
	m.inputs = fields
	return nil
}

// fits reports whether a column of that type can be a feature.
func fits(f *infer.Feature, name string, t table.Type) error {
	switch {
	case t == table.String && f.Categories == nil:
		return trimtab.Errorf(trimtab.Unsupported, "model", "column %q holds text, but the model knows no categories for it: train with a pandas category column, or with codes", name)
	case t == table.Bytes || t == table.Datetime:
		return trimtab.Errorf(trimtab.Unsupported, "model", "column %q is of type %s, which is no number and no category", name, t)
	}
	return nil
}

// Width is the number of numbers in the answer of a row.
func (m *Model) Width() int { return m.width }

// Flat reports whether MLflow prints an answer as one number a row.
func (m *Model) Flat() bool { return m.flat }

// Labels reports whether the answer is class labels, which are integers.
func (m *Model) Labels() bool { return m.labels }

// OutputNames names the numbers of an answer.
func (m *Model) OutputNames() []string { return m.names[:m.width] }

// Float32 reports whether answers are float32 values.
func (m *Model) Float32() bool { return m.model.Float32Output() && !m.labels && m.calibrated == nil }

// Inputs are the columns that the model takes: those of its signature, else its features by name as doubles.
func (m *Model) Inputs() []table.Field {
	if m.inputs != nil {
		return slices.Clone(m.inputs)
	}
	var out []table.Field
	for i, f := range m.model.Features() {
		name := f.Name
		if name == "" {
			name = strconv.Itoa(i)
		}
		out = append(out, table.Field{Name: name, Type: table.Float64})
	}
	return out
}
