package registry

import (
	"context"
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/trimtab/trimtab"
)

// Limits of lengths, in characters, as MLflow has them.
const (
	MaxName     = 256
	MaxTagKey   = 250
	MaxTagValue = 100_000
)

// Tags by which MLflow keeps prompts among registered models.
const (
	promptTag     = "mlflow.prompt.is_prompt"
	promptTextTag = "mlflow.prompt.text"
)

func invalid(subject, format string, args ...any) error {
	return trimtab.Errorf(trimtab.Invalid, subject, format, args...)
}

// CheckName reports whether a registered model can have the name.
func CheckName(name trimtab.ModelName) error {
	s := string(name)
	if strings.TrimSpace(s) == "" {
		return invalid("model", "Missing value for required parameter 'name'.")
	}
	if strings.ContainsAny(s, "/:") {
		return invalid("model", "Invalid model name '%s'. Names cannot contain '/' or ':'.", s)
	}
	if clean := path.Clean(s); clean != s || clean == "." || strings.HasPrefix(clean, "..") {
		return invalid("model", "Invalid value %s for parameter 'name' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '%s'", quoted(s), clean)
	}
	if strings.ContainsFunc(s, unicode.IsControl) {
		return invalid("model", "Invalid model name %s. Names cannot contain control characters.", quoted(s))
	}
	return checkLength("name", s, MaxName)
}

// CreateModel makes a registered model. Exists when the name is taken.
func (r *Registry) CreateModel(ctx context.Context, m trimtab.RegisteredModel) (trimtab.RegisteredModel, error) {
	if err := CheckName(m.Name); err != nil {
		return m, err
	}
	for _, key := range slices.Sorted(maps.Keys(m.Tags)) {
		if err := checkTag(trimtab.Tag{Key: key, Value: m.Tags[key]}); err != nil {
			return m, err
		}
	}
	m.Created = r.cfg.Clock()
	made, err := r.cfg.Models.Create(ctx, m)
	if !trimtab.IsKind(err, trimtab.Exists) {
		return made, err
	}
	old, getErr := r.cfg.Models.Get(ctx, m.Name)
	if getErr != nil {
		return m, err
	}
	had, wants := noun(old.Tags), noun(m.Tags)
	if had != wants {
		return m, trimtab.Errorf(trimtab.Exists, m.Object().String(), "Tried to create a %s with name '%s', but the name is already taken by a %s. MLflow does not allow creating a model and a prompt with the same name.", strings.ToLower(wants), m.Name, strings.ToLower(had))
	}
	return m, trimtab.Errorf(trimtab.Exists, m.Object().String(), "%s (name=%s) already exists.", wants, m.Name)
}

func noun(tags map[string]string) string {
	if strings.EqualFold(tags[promptTag], "true") {
		return "Prompt"
	}
	return "Registered Model"
}

// RenameModel gives a model and all its versions another name.
func (r *Registry) RenameModel(ctx context.Context, from, to trimtab.ModelName) (trimtab.RegisteredModel, error) {
	if strings.TrimSpace(string(to)) == "" {
		return trimtab.RegisteredModel{}, invalid("model", "Missing value for required parameter 'new_name'.")
	}
	if err := CheckName(to); err != nil {
		return trimtab.RegisteredModel{}, err
	}
	m, err := r.cfg.Models.Rename(ctx, from, to)
	if trimtab.IsKind(err, trimtab.Exists) {
		return m, trimtab.Errorf(trimtab.Exists, "model "+string(to), "Registered Model (name=%s) already exists.", to)
	}
	return m, err
}

// SetModelTag sets a tag of a registered model.
func (r *Registry) SetModelTag(ctx context.Context, name trimtab.ModelName, tag trimtab.Tag) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := checkTag(tag); err != nil {
		return err
	}
	return r.cfg.Models.SetTag(ctx, name, tag)
}

// SetAlias points an alias to a version: the deployment. The rule itself is
// trimtab.RegisteredModel.MoveAlias; here only what can be said without the
// model is checked.
func (r *Registry) SetAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias, to trimtab.Version) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := alias.Validate(); err != nil {
		return err
	}
	_, err := r.cfg.Models.SetAlias(ctx, name, trimtab.MoveAlias{Alias: alias, To: to})
	if trimtab.IsKind(err, trimtab.NotFound) { // the model or the version: MLflow says one thing of both
		return trimtab.Errorf(trimtab.NotFound, "model "+string(name), "Model Version (name=%s, version=%d) not found", name, to)
	}
	return err
}

// ByAlias finds the version that an alias points to. "latest", in any case, is
// the version of the highest number. An alias that does not exist is Invalid,
// not NotFound: that is what MLflow's clients expect.
func (r *Registry) ByAlias(ctx context.Context, name trimtab.ModelName, alias trimtab.Alias) (trimtab.ModelVersion, error) {
	if err := CheckName(name); err != nil {
		return trimtab.ModelVersion{}, err
	}
	if strings.EqualFold(string(alias), "latest") {
		return r.latest(ctx, name)
	}
	if _, err := r.cfg.Models.Get(ctx, name); err != nil {
		return trimtab.ModelVersion{}, err
	}
	v, err := r.cfg.Versions.ByAlias(ctx, name, alias)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return v, invalid("alias "+string(alias), "Registered model alias %s not found.", alias)
	}
	return v, err
}

func (r *Registry) latest(ctx context.Context, name trimtab.ModelName) (trimtab.ModelVersion, error) {
	all, err := r.cfg.Versions.Latest(ctx, name, nil)
	if err != nil {
		return trimtab.ModelVersion{}, err
	}
	var last trimtab.ModelVersion
	for _, v := range all {
		if v.Version > last.Version {
			last = v
		}
	}
	if last.Version == 0 {
		return last, trimtab.Errorf(trimtab.NotFound, "model "+string(name), "Latest version not found for model %s.", name)
	}
	return last, nil
}

func checkTag(tag trimtab.Tag) error {
	if err := CheckTagKey(tag.Key); err != nil {
		return err
	}
	if tag.Key == promptTextTag && utf8.RuneCountInString(tag.Value) > MaxTagValue {
		return invalid("tag "+tag.Key, "Prompt text exceeds max length of %d characters.", MaxTagValue)
	}
	return checkLength("value", tag.Value, MaxTagValue)
}

// CheckTagKey reports whether a tag of a model or a version can have the key.
func CheckTagKey(key string) error {
	for _, c := range key {
		if c != '_' && c != '-' && c != '.' && c != ' ' && c != ':' && c != '/' && !unicode.IsLetter(c) && !unicode.IsNumber(c) {
			return invalid("tag", "Invalid value %s for parameter 'key' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).", quoted(key))
		}
	}
	if clean := path.Clean(key); clean != key || clean == "." || strings.HasPrefix(clean, "..") || strings.HasPrefix(clean, "/") {
		return invalid("tag", "Invalid value %s for parameter 'key' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '%s'", quoted(key), clean)
	}
	return checkLength("key", key, MaxTagKey)
}

func checkLength(what, s string, limit int) error {
	if len(s) > limit && utf8.RuneCountInString(s) > limit {
		return invalid(what, "'%s' exceeds the maximum length of %d characters", what, limit)
	}
	return nil
}

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}
