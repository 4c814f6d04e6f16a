package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// lookup gives references their values. attempt is the number that run.attempt means.
func (j stepJob) lookup(attempt int) func(ref string) (string, bool) {
	return func(ref string) (string, bool) {
		space, name, _ := strings.Cut(ref, ".")
		if space == "params" {
			v, ok := j.view.run.Params[name]
			return v, ok
		}
		switch name {
		case "id":
			return string(j.view.run.ID), true
		case "pipeline":
			return j.view.run.Pipeline, true
		case "step":
			return j.row.Name, true
		case "attempt":
			return strconv.Itoa(attempt), true
		case "created":
			return j.view.run.Created.String(), true
		}
		return "", false
	}
}

// argv is the command with its references replaced, word by word.
func (j stepJob) argv(attempt int) ([]string, error) {
	words, err := trimtab.ParseCommand(j.spec.Run)
	if err != nil {
		return nil, err
	}
	argv := make([]string, len(words))
	for i, w := range words {
		if argv[i], err = w.Expand(j.lookup(attempt)); err != nil {
			return nil, err
		}
	}
	return argv, nil
}

func (j stepJob) expand(text string, attempt int) (string, error) {
	w, err := trimtab.ParseTemplate(text)
	if err != nil {
		return "", err
	}
	return w.Expand(j.lookup(attempt))
}

// env is the declared environment with its references replaced.
func (j stepJob) env(attempt int) (map[string]string, error) {
	out := make(map[string]string, len(j.spec.Env))
	for k, text := range j.spec.Env {
		v, err := j.expand(text, attempt)
		if err != nil {
			return nil, err
		}
		out[k] = v
	}
	return out, nil
}

// seed is the step's number for its random generators: the same in every run of
// the pipeline with the same param "seed".
func (j stepJob) seed() string {
	sum := sha256.Sum256([]byte("seed\x00" + j.view.run.Pipeline + "\x00" + j.row.Name + "\x00" + j.view.run.Params["seed"]))
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(sum[:4])>>1), 10)
}

// inputs are the files laid out for the step.
func (j stepJob) inputs() ([]Input, error) {
	var out []Input
	for _, path := range slices.Sorted(maps.Keys(j.spec.Inputs)) {
		step, output, _ := strings.Cut(j.spec.Inputs[path], ".")
		from := j.Engine.step(j.view, step)
		digest := from.row.Outputs[output]
		if digest == "" {
			return nil, trimtab.Errorf(trimtab.Precondition, j.row.Object().String(), "input %s: step %s has left no output %q", path, step, output)
		}
		out = append(out, Input{Path: path, Digest: digest, Folder: strings.HasSuffix(from.spec.Outputs[output], "/")})
	}
	return out, nil
}

// order makes the executor's order for the step's newest attempt.
func (j stepJob) order(ctx context.Context) (o Order, err error) {
	o = Order{Attempt: j.row.AttemptID(), Timeout: timeoutOf(j.spec)}
	if o.Argv, err = j.argv(j.row.Attempt); err != nil {
		return o, err
	}
	if o.Env, err = j.env(j.row.Attempt); err != nil {
		return o, err
	}
	if o.Inputs, err = j.inputs(); err != nil {
		return o, err
	}
	if code := j.view.spec.Code; code != nil {
		o.Code = code.Digest
	}
	if env := j.view.spec.Env; env != nil && env.Lock != "" {
		o.Lock = env.Lock
		if o.EnvID, err = j.environment(ctx); err != nil {
			return o, err
		}
	}
	for k, v := range map[string]string{"SEED": j.seed(), "PYTHONHASHSEED": j.seed(), "OMP_NUM_THREADS": "2", "PYTHONUNBUFFERED": "1"} {
		if _, own := o.Env[k]; !own {
			o.Env[k] = v
		}
	}
	o.Env["MLFLOW_TRACKING_URI"] = j.cfg.TrackingURI
	o.Env[attemptEnv] = string(o.Attempt)
	if j.spec.Effects == "external" {
		first, err := j.origin(ctx)
		if err != nil {
			return o, err
		}
		o.Env["IDEMPOTENCY_KEY"] = string(trimtab.NewAttemptID(first, j.row.Name, 1))
	}
	return o, nil
}
