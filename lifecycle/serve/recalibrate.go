package serve

import (
	"context"
	_ "embed" // the loader for Python
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

//go:embed calibrated.py
var calibratedLoader []byte

// calibratedModule is the Python module that loads a recalibrated version.
const calibratedModule = "trimtab_calibrated"

// Child makes a recalibrated version of a parent: the files that are new or changed
// beside those of the parent, which read gives. Any MLflow client loads it, and
// answers what it is served with. c names kind, numbers and Parent; the rest is
// read from the parent. A parent that is itself recalibrated is corrected after
// its own correction.
//
// Unsupported is a parent that is not served natively, or one whose answer is not
// what the kind corrects: a probability for Logit, one number a row for Linear.
func Child(ctx context.Context, read Files, c Calibration) (files map[string][]byte, err error) {
	defer trimtab.Wrap(&err, "serve.Child(%s)", c.Parent)
	m, err := Load(ctx, read, Options{})
	if err != nil {
		return nil, err
	}
	if m.calibrated != nil {
		p, err := readCalibration(ctx, read)
		if err != nil {
			return nil, err
		}
		if p.Kind != c.Kind {
			return nil, trimtab.Errorf(trimtab.Unsupported, "model version", "version %s is recalibrated by kind %s: it takes no kind %s", c.Parent, p.Kind, c.Kind)
		}
		c.Before = p.steps()
	}
	c.Labels, c.Loader = m.labels, "mlflow."+m.library
	if err := c.check(); err != nil {
		return nil, err
	}
	if err := m.calibrates(c.Kind); err != nil {
		return nil, err
	}
	text, err := read(ctx, "MLmodel")
	if err != nil {
		return nil, err
	}
	text, code, err := calibratedMLmodel(text)
	if err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"MLmodel": text, CalibrationFile: append(body, '\n'), code + "/" + calibratedModule + ".py": slices.Clone(calibratedLoader)}, nil
}

// probabilities are the objectives whose one answer is a probability.
var probabilities = []string{"binary", "cross_entropy", "binary:logistic", "reg:logistic"}

// calibrates reports why a calibration of the kind does not fit what the model answers.
func (m *Model) calibrates(kind string) error {
	one := m.model.Outputs() == 1
	probability := one && slices.Contains(probabilities, m.model.Objective())
	switch {
	case kind == Logit && !probability:
		return trimtab.Errorf(trimtab.Unsupported, "model", "a model with objective %q answers no single probability, which a calibration of kind %s corrects", m.model.Objective(), Logit)
	case kind == Linear && (!one || m.model.NumClass() != 0):
		return trimtab.Errorf(trimtab.Unsupported, "model", "a model with objective %q answers no single number, which a calibration of kind %s corrects", m.model.Objective(), Linear)
	case kind == Linear && m.Output == Margin:
		return trimtab.Errorf(trimtab.Unsupported, "model", "a recalibrated number has no margin; output %q is what it can answer", Predict)
	}
	return nil
}

// calibratedMLmodel changes the flavor python_function of an MLmodel so that it is
// loaded by calibratedModule. Everything else stays as MLflow has written it, byte
// by byte, and that nothing else has changed is checked. code is the folder of the loader.
func calibratedMLmodel(text []byte) (out []byte, code string, err error) {
	want, err := parseAny(text)
	if err != nil {
		return nil, "", err
	}
	flavors, _ := want["flavors"].(map[string]any)
	pyfunc, _ := flavors["python_function"].(map[string]any)
	if pyfunc == nil {
		return nil, "", notAsWritten()
	}
	if code, _ = pyfunc["code"].(string); code == "" {
		code = "code"
	}
	if clean, err := trimtab.ArtifactPath(code); err != nil || clean != code {
		return nil, "", trimtab.Errorf(trimtab.Invalid, "MLmodel", "the folder of code %q is no path inside the model", code)
	}
	lines := strings.Split(string(text), "\n")
	at := slices.Index(lines, "flavors:")
	depth := func(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }
	for at++; at > 0 && at < len(lines) && strings.TrimSpace(lines[at]) != "python_function:"; at++ {
		if depth(lines[at]) == 0 {
			at = len(lines)
		}
	}
	if at <= 0 || at+1 >= len(lines) {
		return nil, "", notAsWritten()
	}
	outer, inner := depth(lines[at]), depth(lines[at+1])
	pad := strings.Repeat(" ", inner)
	edited := slices.Clone(lines[:at+1])
	edited = append(edited, pad+"loader_module: "+calibratedModule, pad+"code: "+code)
	skipping := false // a value that is replaced may go over several lines
	for at++; at < len(lines); at++ {
		line := lines[at]
		if depth(line) <= outer && line != "" {
			break
		}
		if depth(line) == inner {
			skipping = strings.HasPrefix(line, pad+"loader_module:") || strings.HasPrefix(line, pad+"code:")
		}
		if !skipping || line == "" {
			edited = append(edited, line)
		}
	}
	out = []byte(strings.Join(append(edited, lines[at:]...), "\n"))
	pyfunc["loader_module"], pyfunc["code"] = calibratedModule, code
	if got, err := parseAny(out); err != nil || !reflect.DeepEqual(got, want) {
		return nil, "", notAsWritten()
	}
	return out, code, nil
}

func notAsWritten() error {
	return trimtab.Errorf(trimtab.Unsupported, "MLmodel", "the file MLmodel is not laid out as MLflow writes it: it cannot be changed safely")
}
