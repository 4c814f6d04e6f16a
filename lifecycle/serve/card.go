package serve

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/infer"
	"github.com/trimtab/trimtab/pure/schema"
)

// Card is what a model's own files say of it, for people. It is read without
// serving the model, so a model that is not served natively has one too.
type Card struct {
	Flavors []string // of MLmodel, by name
	// Flavor is what is served, as Model.Flavor has it; "" when it is not served natively, and NotServed says why.
	Flavor    string
	NotServed string
	Library   string // version of the library that wrote it, "" unknown
	Objective string // of the library
	Classes   int    // of a classifier; 0 for others
	MLflow    string // versions, "" unknown
	Python    string
	// Signature is empty when there is none; BadSignature says why it cannot be read.
	Signature    schema.Signature
	BadSignature string
	// Importances are nil where the file does not hold them; NoImportance says why.
	Importances  []infer.Importance
	NoImportance string
	Calibration  *Calibration // of a recalibrated version
	Requirements string       // requirements.txt, its first 64 KiB
}

// Limits of what is read for a card.
const (
	maxCardModel        = 128 << 20 // of the file of the model
	maxCardRequirements = 64 << 10
)

// ReadCard reads the card of a model folder. What a file lacks, or says in a way
// that is not understood, is told in the card; only a folder that cannot be read,
// or that MLflow has not written, is an error (Invalid).
func ReadCard(ctx context.Context, files Files) (c Card, err error) {
	defer trimtab.Wrap(&err, "serve.ReadCard")
	raw, err := files(ctx, "MLmodel")
	if errors.Is(err, fs.ErrNotExist) {
		return c, trimtab.Errorf(trimtab.Invalid, "model", "there is no file MLmodel: this is no model that MLflow has logged")
	}
	if err != nil {
		return c, err
	}
	ml, err := parseMLmodel(raw)
	if err != nil {
		return c, err
	}
	c.Flavors, c.MLflow = slices.Sorted(maps.Keys(ml.Flavors)), ml.MLflow
	c.Python, _ = ml.Flavors["python_function"]["python_version"].(string)
	if c.Signature, err = ml.signature(); err != nil {
		c.BadSignature = trimtab.Message(err)
	}
	if c.Python == "" {
		if c.Python, err = pythonVersion(ctx, files); err != nil {
			return c, err
		}
	}
	requirements, err := files(ctx, "requirements.txt")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c.Requirements = string(requirements[:min(len(requirements), maxCardRequirements)])
	if ml.calibrated() {
		if c.Calibration, err = readCalibration(ctx, files); err != nil {
			c.NotServed, c.NoImportance = trimtab.Message(err), trimtab.Message(err)
			return c, nil
		}
		ml.Flavors["python_function"]["loader_module"] = c.Calibration.Loader
	}
	f, err := ml.flavor()
	if err != nil {
		c.NotServed, c.NoImportance = trimtab.Message(err), "the importance of features is read from the files of models that are served natively: "+native
		return c, nil
	}
	return c, c.trees(ctx, files, f, requirements)
}

// trees completes a card with what the file of the model says.
func (c *Card) trees(ctx context.Context, files Files, f flavor, requirements []byte) error {
	data, err := files(ctx, f.data)
	if errors.Is(err, fs.ErrNotExist) {
		c.NotServed = "MLmodel names the file " + f.data + ", which is not there"
		c.NoImportance = c.NotServed
		return nil
	}
	if err != nil {
		return err
	}
	if len(data) > maxCardModel {
		c.NoImportance = "the file of the model is too large to be read for a page"
		return nil
	}
	format, err := infer.Detect(data)
	if err != nil {
		c.NotServed, c.NoImportance = err.Error(), err.Error()
		return nil
	}
	wrapper := f.name == "xgboost" && f.class != "Booster" && f.class != ""
	version := pinnedVersion(requirements, f.name)
	if version == "" {
		version = f.version
	}
	opt := infer.Options{LibraryVersion: version, InPlace: wrapper, BestIteration: wrapper}
	m, err := infer.Load(data, format, opt)
	if err != nil {
		c.NotServed = trimtab.Message(inferError(f, err))
		c.NoImportance = c.NotServed
		return nil
	}
	c.Flavor, c.Library, c.Objective, c.Classes = f.String(), version, m.Objective(), m.NumClass()
	if c.Calibration != nil {
		c.Flavor += ", recalibrated"
	}
	all, known, err := infer.Importances(data, format, opt)
	switch {
	case err != nil:
		c.NoImportance = trimtab.Message(inferError(f, err))
	case !known:
		c.NoImportance = "the file of the model says nothing of what its splits gained"
	default:
		c.Importances = all
	}
	if c.Importances != nil && c.Signature.Inputs.Columns != nil && len(c.Signature.Inputs.Columns) == len(all) {
		for i, column := range c.Signature.Inputs.Columns {
			if column.Named { // LightGBM writes spaces of names as underscores
				c.Importances[i].Name = column.Name
			}
		}
	}
	return nil
}

// pythonVersion is that of python_env.yaml, "" without one.
func pythonVersion(ctx context.Context, files Files) (string, error) {
	raw, err := files(ctx, "python_env.yaml")
	if errors.Is(err, fs.ErrNotExist) || len(raw) > maxCardRequirements {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var env struct {
		Python string `yaml:"python"`
	}
	if yaml.Unmarshal(raw, &env) != nil {
		return "", nil // it is told to nobody but people
	}
	return strings.TrimSpace(env.Python), nil
}
