package serve

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/schema"
)

// mlmodel is what the file MLmodel says, as far as serving needs it.
type mlmodel struct {
	Flavors   map[string]map[string]any `yaml:"flavors"`
	Signature *struct {
		Inputs  *string `yaml:"inputs"`
		Outputs *string `yaml:"outputs"`
		Params  *string `yaml:"params"`
	} `yaml:"signature"`
	Example *struct {
		Path    string `yaml:"artifact_path"`
		Serving string `yaml:"serving_input_path"`
	} `yaml:"saved_input_example_info"`
	MLflow string `yaml:"mlflow_version"`
}

// maxMLmodel bounds the file; real ones have a few KiB, their signature included.
const maxMLmodel = 16 << 20

func parseMLmodel(b []byte) (*mlmodel, error) {
	if len(b) > maxMLmodel {
		return nil, trimtab.Errorf(trimtab.Invalid, "MLmodel", "the file MLmodel has %d bytes, the limit is %d", len(b), maxMLmodel)
	}
	var m mlmodel
	if err := yaml.Unmarshal(b, &m); err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "MLmodel", "the file MLmodel cannot be read: %s", firstLine(err.Error()))
	}
	return &m, nil
}

// parseAny reads the file MLmodel with everything that it says.
func parseAny(b []byte) (map[string]any, error) {
	var m map[string]any
	if _, err := parseMLmodel(b); err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(b, &m); err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "MLmodel", "the file MLmodel cannot be read: %s", firstLine(err.Error()))
	}
	return m, nil
}

// calibrated reports whether the model is loaded by the loader of recalibrated versions.
func (m *mlmodel) calibrated() bool {
	pyfunc := m.Flavors["python_function"]
	loader, _ := pyfunc["loader_module"].(string)
	return loader == calibratedModule
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

func (m *mlmodel) signature() (schema.Signature, error) {
	if m.Signature == nil {
		return schema.Signature{}, nil
	}
	text := func(p *string) string {
		if p == nil {
			return ""
		}
		return *p
	}
	s, err := schema.ParseSignature(text(m.Signature.Inputs), text(m.Signature.Outputs), text(m.Signature.Params))
	if err != nil {
		return s, trimtab.Errorf(trimtab.Invalid, "MLmodel", "the signature in MLmodel cannot be read: %s", err)
	}
	return s, nil
}

// flavor is the native flavor that the pyfunc flavor of the same folder runs.
type flavor struct {
	name    string // "lightgbm", "xgboost"
	data    string // file of the model
	class   string // last part of the class: "Booster", "XGBClassifier", …
	version string // of the library, as the flavor has it
}

// native names the flavors that are served in Go.
const native = "lightgbm and xgboost"

// flavor picks what is served, which is what mlflow.pyfunc would load, or says by name why it is not.
func (m *mlmodel) flavor() (f flavor, err error) {
	unsupported := func(format string, args ...any) (flavor, error) {
		return f, trimtab.Errorf(trimtab.Unsupported, "model", format, args...)
	}
	text := func(v any) string {
		s, _ := v.(string)
		return s
	}
	pyfunc, ok := m.Flavors["python_function"]
	if !ok {
		return unsupported("the model has no flavor python_function, so that MLflow could not serve it either; log it with mlflow's log_model of its library")
	}
	loader := text(pyfunc["loader_module"])
	f.name = strings.TrimPrefix(loader, "mlflow.")
	if f.name != "lightgbm" && f.name != "xgboost" {
		name := f.name
		if name == "pyfunc.model" || name == "" {
			name = "python_function"
		}
		return unsupported("flavor %s is not served natively; %s are", name, native)
	}
	own, ok := m.Flavors[f.name]
	if !ok {
		return unsupported("the model is loaded by %s but has no flavor %s", loader, f.name)
	}
	class := text(own["model_class"])
	f.class = class[strings.LastIndexByte(class, '.')+1:]
	f.data = text(own["data"])
	if f.data == "" {
		f.data = text(pyfunc["data"])
	}
	f.version = text(own[map[string]string{"lightgbm": "lgb_version", "xgboost": "xgb_version"}[f.name]])
	switch {
	case f.data == "":
		return unsupported("flavor %s names no file of the model", f.name)
	case strings.HasSuffix(f.data, ".pkl") || strings.HasSuffix(f.data, ".pickle") || strings.HasSuffix(f.data, ".skops"):
		return unsupported("flavor %s with class %s is kept as Python objects (%s), which this server never opens; log the Booster instead (model.booster_ for LightGBM)", f.name, class, f.data)
	}
	switch f.name + " " + f.class {
	case "lightgbm Booster", "lightgbm ", "xgboost Booster", "xgboost ", "xgboost XGBClassifier", "xgboost XGBRegressor", "xgboost XGBRFClassifier", "xgboost XGBRFRegressor":
		return f, nil
	}
	return unsupported("flavor %s with class %s is not served natively", f.name, class)
}

var pinned = regexp.MustCompile(`(?i)^\s*(xgboost|lightgbm)(?:-cpu)?\s*==\s*([0-9][0-9A-Za-z.]*)`)

// pinnedVersion finds the version of a library in a requirements.txt, "" when it is not pinned.
func pinnedVersion(requirements []byte, library string) string {
	for line := range strings.Lines(string(requirements)) {
		if m := pinned.FindStringSubmatch(line); m != nil && strings.EqualFold(m[1], library) {
			return m[2]
		}
	}
	return ""
}

func (f flavor) String() string { return fmt.Sprintf("%s (%s)", f.name, f.class) }
