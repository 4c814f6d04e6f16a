package track

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// notInModelName are the characters that a logged model's name cannot have, as MLflow's message lists them.
const notInModelName = `('/', ':', '.', '%', '"', "'")`

// CreateLoggedModel makes a pending logged model; without a name it gets one.
// Every request makes a model of its own, a pipeline step's too: a training loop
// that logs checkpoints asks for the same again and means another. What a client
// leaves behind when it lost an answer is a pending model that nothing names.
func (t *Tracker) CreateLoggedModel(ctx context.Context, m trimtab.LoggedModel) (trimtab.LoggedModel, error) {
	if strings.ContainsAny(m.Name, `/:.%"'`) {
		return m, invalid("logged model", "Invalid model name (%s) provided. Model name must be a non-empty string and cannot contain the following characters: %s", PythonString(m.Name), notInModelName)
	}
	if err := checkLength("name", m.Name, MaxExperimentName); err != nil {
		return m, err
	}
	params, err := modelParams(m.Params)
	if err != nil {
		return m, err
	}
	m.Params = params
	for _, key := range slices.Sorted(maps.Keys(m.Tags)) {
		if err := checkModelTag(key); err != nil {
			return m, err
		}
	}
	if m.Name == "" {
		m.Name = t.cfg.Random.Name()
	}
	m.Status, m.Created = trimtab.LoggedModelPending, t.cfg.Clock()
	return t.cfg.LoggedModels.Create(ctx, m, "")
}

// SetLoggedModelTags sets tags; of a key that occurs twice the last value counts.
func (t *Tracker) SetLoggedModelTags(ctx context.Context, id trimtab.LoggedModelID, tags []trimtab.Tag) error {
	for _, tag := range tags {
		if err := checkModelTag(tag.Key); err != nil {
			return err
		}
	}
	last := make(map[string]int, len(tags))
	for i, tag := range tags {
		last[tag.Key] = i
	}
	at := -1
	kept := slices.DeleteFunc(slices.Clone(tags), func(tag trimtab.Tag) bool { at++; return last[tag.Key] != at })
	return t.cfg.LoggedModels.SetTags(ctx, id, kept)
}

// LogLoggedModelParams adds params; one that exists with another value is refused.
func (t *Tracker) LogLoggedModelParams(ctx context.Context, id trimtab.LoggedModelID, params []trimtab.Param) error {
	params, err := modelParams(params)
	if err != nil {
		return err
	}
	return t.cfg.LoggedModels.LogParams(ctx, id, params)
}

func modelParams(params []trimtab.Param) ([]trimtab.Param, error) {
	for _, p := range params {
		if p.Key == "" {
			return nil, invalid("param", "Missing value for required parameter 'key'.")
		}
		if err := checkLength("Param key", p.Key, MaxInputTagKey); err != nil {
			return nil, err
		}
	}
	return params, checkUnique(params)
}

func checkModelTag(key string) error {
	if key == "" {
		return invalid("tag", "Missing value for required parameter 'key'.")
	}
	return checkLength("key", key, MaxInputTagKey)
}
