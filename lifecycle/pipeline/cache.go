package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// The cache key of a step is the digest of a JSON object of all that its result
// depends on, part by part. The object is kept in the blob store under that very
// digest, so that a miss can be explained.

// cacheMode is "auto", "refresh" (run, and remember the result) or "off".
func (j stepJob) cacheMode() string {
	switch {
	case j.spec.Promote != nil, j.spec.Effects == "external", j.cfg.Cache == "off", j.view.run.Cache == "off", j.spec.Cache == "off":
		return "off"
	case j.view.run.Cache == "refresh" || j.spec.Cache == "refresh":
		return "refresh"
	}
	return "auto"
}

// cacheKey computes and keeps the key of the attempt that is about to begin; ""
// when the step is not cached.
func (j stepJob) cacheKey(ctx context.Context) (trimtab.Digest, error) {
	if j.cacheMode() == "off" {
		return "", nil
	}
	parts, err := j.parts(ctx)
	if err != nil {
		return "", err
	}
	raw, err := trimtab.Canonical(parts)
	if err != nil {
		return "", err
	}
	key, _, err := j.cfg.Blobs.Put(ctx, bytes.NewReader(raw))
	return key, err
}

// parts lists all that the step's result depends on.
func (j stepJob) parts(ctx context.Context) (map[string]string, error) {
	parts := map[string]string{"form": "1", "salt": j.cfg.Salt}
	if j.spec.Dataset != nil {
		return parts, j.datasetParts(ctx, parts)
	}
	argv, err := j.argv(j.row.Attempt + 1)
	if err != nil {
		return nil, err
	}
	command, err := json.Marshal(argv)
	if err != nil {
		return nil, err
	}
	parts["command"], parts["seed"] = string(command), j.seed()
	env, err := j.env(j.row.Attempt + 1)
	if err != nil {
		return nil, err
	}
	for k, v := range env {
		parts["env."+k] = v
	}
	inputs, err := j.inputs()
	if err != nil {
		return nil, err
	}
	for _, in := range inputs {
		parts["input."+in.Path] = string(in.Digest)
	}
	for name, p := range j.spec.Outputs {
		parts["output."+name] = p
	}
	if code := j.view.spec.Code; code != nil {
		parts["code"] = string(code.Digest)
	}
	if e := j.view.spec.Env; e != nil && e.Lock != "" {
		if parts["environment"], err = j.environment(ctx); err != nil {
			return nil, err
		}
	}
	return parts, nil
}

func (j stepJob) datasetParts(ctx context.Context, parts map[string]string) error {
	d, err := j.dataset()
	if err != nil {
		return err
	}
	r, err := j.cfg.Resources.Get(ctx, trimtab.KindDataSource, d.Source)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return trimtab.Errorf(trimtab.Precondition, "datasource "+d.Source, "there is no DataSource %q: declare it and apply", d.Source)
	}
	if err != nil {
		return err
	}
	parts["source"] = d.Source
	parts["source.spec"] = string(trimtab.DigestOf(r.Spec)) // the digest of its data is in it
	parts["asOf"], parts["from"], parts["to"], parts["window"], parts["label"] = d.AsOf, d.From, d.To, d.Window, d.Label
	served, err := j.cfg.Datasets.Served(ctx, d)
	if err != nil || served == "" {
		return err
	}
	parts["served"] = string(served) // the declaration of the source of what was served is in it
	if d.Served != "" {
		parts["served.source"] = d.Served
	}
	return nil
}

// cached is the step whose outputs can be taken; nil when there is none whose
// outputs are all still kept.
func (j stepJob) cached(ctx context.Context, key trimtab.Digest) (*trimtab.Step, error) {
	s, err := j.cfg.Store.Cached(ctx, key)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, digest := range s.Outputs {
		if _, err := j.cfg.Blobs.Stat(ctx, digest); trimtab.IsKind(err, trimtab.NotFound) {
			return nil, nil
		} else if err != nil {
			return nil, err
		}
	}
	return &s, nil
}

type envKey struct {
	code        trimtab.Digest
	lock        string
	interpreter string
}

// environment names what the step's Python environment is built from: the lock
// file, the project file beside it, and the interpreter.
func (j stepJob) environment(ctx context.Context) (string, error) {
	k := envKey{j.view.spec.Code.Digest, j.view.spec.Env.Lock, j.cfg.Interpreter()}
	if id, ok := j.envs.Load(k); ok {
		return id.(string), nil
	}
	project := path.Join(path.Dir(k.lock), "pyproject.toml")
	files, err := j.readCode(ctx, k.code, k.lock, project)
	if err != nil {
		return "", err
	}
	lock, ok := files[k.lock]
	if !ok {
		return "", trimtab.Errorf(trimtab.Precondition, "pipeline "+j.view.run.Pipeline, "the code folder has no %s: make it with `uv lock`", k.lock)
	}
	id := trimtab.StateDigest([]string{string(trimtab.DigestOf(lock)), string(trimtab.DigestOf(files[project])), k.interpreter}).Hex()
	j.envs.Store(k, id)
	return id, nil
}

// readCode reads some files of a packed code folder.
func (e *Engine) readCode(ctx context.Context, code trimtab.Digest, names ...string) (map[string][]byte, error) {
	r, err := e.cfg.Blobs.Open(ctx, code)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil, trimtab.Errorf(trimtab.Precondition, "code "+code.Short(), "the packed code %s is not in the object store: apply the pipeline again", code.Short())
	}
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := map[string][]byte{}
	err = walkTar(r, codeLimits, func(name string, folder bool, size int64, body io.Reader) error {
		if !folder && slices.Contains(names, name) {
			p, err := io.ReadAll(body)
			out[name] = p
			return err
		}
		return nil
	})
	return out, err
}

// Difference is a part of a cache key that is not what it was. A part that was
// or is not there is "".
type Difference struct {
	Part string `json:"part"`
	Then string `json:"then,omitempty"`
	Now  string `json:"now,omitempty"`
}

// Explanation says why a step ran or did not.
type Explanation struct {
	Step     string            `json:"step"`
	State    trimtab.StepState `json:"state"`
	Key      trimtab.Digest    `json:"key,omitempty"`
	CachedOf trimtab.AttemptID `json:"cachedOf,omitempty"`
	// Against is the newest earlier run in which the step had a key, "" when there was none.
	Against trimtab.PipelineRunID `json:"against,omitempty"`
	Parts   map[string]string     `json:"parts,omitempty"`
	Differs []Difference          `json:"differs,omitempty"`
	Text    string                `json:"text"`
}

// explainRuns is how many earlier runs are looked at.
const explainRuns = 50

// Explain says what the cache key of a step is made of and which parts differ
// from the step's last run before.
func (e *Engine) Explain(ctx context.Context, id trimtab.PipelineRunID, step string) (x Explanation, err error) {
	defer trimtab.Wrap(&err, "pipeline.Explain(%s, %s)", id, step)
	run, err := e.cfg.Store.GetRun(ctx, id)
	if err != nil {
		return x, err
	}
	s, err := stepOf(run, step)
	if err != nil {
		return x, err
	}
	x = Explanation{Step: step, State: s.State, Key: s.CacheKey, CachedOf: s.CachedOf}
	switch {
	case s.CacheKey == "" && (s.State == trimtab.StepWaiting || s.State == trimtab.StepSkipped || s.State == trimtab.StepCanceled):
		x.Text = "the step has not begun"
		return x, nil
	case s.CacheKey == "":
		x.Text = "the step is not cached: its cache is off, its effects are external, or it moves an alias"
		return x, nil
	}
	if x.Parts, err = e.keyParts(ctx, s.CacheKey); err != nil {
		return x, err
	}
	if s.State == trimtab.StepCached {
		x.Text = "nothing differs from " + string(s.CachedOf) + ": its outputs were taken"
		return x, nil
	}
	runs, _, err := e.cfg.Store.ListRuns(ctx, run.Pipeline, explainRuns, "")
	if err != nil {
		return x, err
	}
	for _, r := range runs {
		old, err := stepOf(r, step)
		if err != nil || r.ID == id || r.Created > run.Created || old.CacheKey == "" {
			continue
		}
		x.Against = r.ID
		then, err := e.keyParts(ctx, old.CacheKey)
		if err != nil {
			return x, err
		}
		x.Differs = differences(then, x.Parts)
		if len(x.Differs) > 0 {
			var names []string
			for _, d := range x.Differs {
				names = append(names, d.Part)
			}
			x.Text = "differs from run " + string(r.ID) + " in " + strings.Join(names, ", ")
		} else {
			x.Text = "nothing differs from run " + string(r.ID) + ", in which the step " + string(old.State) + "; it ran because the cache was to be refreshed, or because no equal step had succeeded"
		}
		return x, nil
	}
	x.Text = "no earlier run of the pipeline has this step"
	return x, nil
}

func differences(then, now map[string]string) []Difference {
	all := maps.Clone(then)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, now)
	var out []Difference
	for _, part := range slices.Sorted(maps.Keys(all)) {
		if then[part] != now[part] {
			out = append(out, Difference{Part: part, Then: then[part], Now: now[part]})
		}
	}
	return out
}

func (e *Engine) keyParts(ctx context.Context, key trimtab.Digest) (map[string]string, error) {
	r, err := e.cfg.Blobs.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var parts map[string]string
	raw, err := io.ReadAll(io.LimitReader(r, 8<<20))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return nil, &trimtab.Error{Kind: trimtab.Internal, Subject: "cache key " + key.Short(), Err: err}
	}
	return parts, nil
}

func stepOf(run trimtab.PipelineRun, name string) (trimtab.Step, error) {
	for _, s := range run.Steps {
		if s.Name == name {
			return s, nil
		}
	}
	names := make([]string, len(run.Steps))
	for i, s := range run.Steps {
		names[i] = s.Name
	}
	return trimtab.Step{}, trimtab.Errorf(trimtab.NotFound, run.Object().String(), "pipeline run %s has no step %q%s: it has %s", run.ID, name, trimtab.DidYouMean(name, names), strings.Join(names, ", "))
}
