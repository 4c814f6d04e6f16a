package registry

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
)

// The stages, in MLflow's order.
var Stages = []string{"None", "Staging", "Production", "Archived"}

// CanonicalStage spells a stage as it is stored; any case is taken.
func CanonicalStage(stage string) (string, error) {
	for _, s := range Stages {
		if strings.EqualFold(s, stage) {
			return s, nil
		}
	}
	return "", invalid("stage", "Invalid Model Version stage: %s. Value must be one of %s.", stage, strings.Join(Stages, ", "))
}

// ParseVersion reads a version's number.
func ParseVersion(s string) (trimtab.Version, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, invalid("version", "Parameter 'version' must be an integer, got '%s'", s)
	}
	return trimtab.Version(n), nil
}

// NewVersion is the request for a version. RunGiven and LoggedModelGiven tell
// an empty id from none: a version copied from another takes over the ids that
// are not given.
type NewVersion struct {
	Model            trimtab.ModelName
	Source           string
	Run              trimtab.RunID
	RunGiven         bool
	LoggedModel      trimtab.LoggedModelID
	LoggedModelGiven bool
	RunLink          string
	Description      string
	Tags             map[string]string
}

// versionsTag is the tag of a logged model that lists the versions made of it.
const versionsTag = "mlflow.modelVersions"

// CreateVersion makes the next version of a model and freezes the files that
// its source names, or has them frozen once there are some and the run has
// ended. A pipeline step that repeats the request while the files are the same
// gets the version that the first one made; aliases see it when the step has
// succeeded.
func (r *Registry) CreateVersion(ctx context.Context, n NewVersion) (trimtab.ModelVersion, error) {
	v := trimtab.ModelVersion{
		Model: n.Model, Source: n.Source, Run: n.Run, LoggedModel: n.LoggedModel, RunLink: n.RunLink,
		Description: n.Description, Tags: n.Tags, Stage: "None", Created: r.cfg.Clock(),
	}
	if err := CheckName(n.Model); err != nil {
		return v, err
	}
	for _, key := range slices.Sorted(maps.Keys(n.Tags)) {
		if err := checkTag(trimtab.Tag{Key: key, Value: n.Tags[key]}); err != nil {
			return v, err
		}
	}
	if noun(n.Tags) == "Prompt" {
		if n.Source != "dummy-source" && n.Source != "prompt-template" {
			return v, invalid("source", "Invalid prompt source: '%s'. Prompt sources must use an MLflow placeholder.", n.Source)
		}
	} else if err := r.resolve(ctx, n, &v); err != nil {
		return v, err
	}
	same, err := r.sameRequest(ctx, n, v)
	if err != nil {
		return v, err
	}
	v.Attempt = trimtab.CallOf(ctx).Actor.Attempt
	v, err = r.cfg.Versions.Create(ctx, v, same)
	if err != nil || v.LoggedModel == "" {
		return v, err
	}
	return v, r.noteVersion(ctx, v)
}

// sameRequest is the key under which the store finds the version of an equal
// request of the same attempt: a client that lost its answer asks again. The
// files belong to it, because a step may log a better model to the same place
// and register that one too. People's requests have no key: who asks twice
// wants two versions.
func (r *Registry) sameRequest(ctx context.Context, n NewVersion, v trimtab.ModelVersion) (string, error) {
	attempt := trimtab.CallOf(ctx).Actor.Attempt
	if attempt == "" {
		return "", nil
	}
	files := v.Manifest
	if files == "" && v.Tree != "" {
		list, err := r.cfg.Artifacts.List(ctx, v.Tree, v.TreePath)
		if err != nil {
			return "", err
		}
		files = trimtab.NewManifest(list).Digest()
	}
	return string(attempt) + ":" + string(trimtab.StateDigest(struct {
		Request NewVersion
		Files   trimtab.Digest
	}{n, files})), nil
}

// noteVersion adds the version to the list in the logged model's tag. It stands
// after the version's own transaction, so a crash between the two leaves the
// list short; a repeated request completes it.
func (r *Registry) noteVersion(ctx context.Context, v trimtab.ModelVersion) error {
	m, err := r.cfg.LoggedModels.Get(ctx, v.LoggedModel)
	if err != nil {
		return err
	}
	type line struct {
		Name    string `json:"name"`
		Version int64  `json:"version"`
	}
	var lines []line
	if old := m.Tags[versionsTag]; old != "" && json.Unmarshal([]byte(old), &lines) != nil {
		return nil // somebody keeps something else there; the version itself knows its model
	}
	own := line{string(v.Model), int64(v.Version)}
	if slices.Contains(lines, own) {
		return nil
	}
	value, err := json.Marshal(append(lines, own))
	if err != nil {
		return err
	}
	return r.cfg.LoggedModels.SetTags(ctx, v.LoggedModel, []trimtab.Tag{{Key: versionsTag, Value: string(value)}})
}

// SetVersionTag sets a tag of a version.
func (r *Registry) SetVersionTag(ctx context.Context, name trimtab.ModelName, v trimtab.Version, tag trimtab.Tag) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if err := checkTag(tag); err != nil {
		return err
	}
	return r.cfg.Versions.SetTag(ctx, name, v, tag)
}

// Transition moves a version to a stage; archive moves the others that are
// there to Archived, and is for Staging and Production alone.
func (r *Registry) Transition(ctx context.Context, name trimtab.ModelName, v trimtab.Version, stage string, archive bool) (trimtab.ModelVersion, error) {
	canonical, err := CanonicalStage(stage)
	if err != nil {
		return trimtab.ModelVersion{}, err
	}
	if archive && canonical != "Staging" && canonical != "Production" {
		return trimtab.ModelVersion{}, invalid("stage", "Model version transition cannot archive existing model versions because '%s' is not an Active stage. Valid stages are ['Staging', 'Production']", stage)
	}
	return r.cfg.Versions.Transition(ctx, name, v, canonical, archive)
}

// LatestVersions returns the highest version of each of the stages, of all
// stages when none is named.
func (r *Registry) LatestVersions(ctx context.Context, name trimtab.ModelName, stages []string) ([]trimtab.ModelVersion, error) {
	if err := CheckName(name); err != nil {
		return nil, err
	}
	wanted := make([]string, 0, len(stages))
	for _, s := range stages {
		canonical, err := CanonicalStage(s)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, canonical)
	}
	return r.cfg.Versions.Latest(ctx, name, wanted)
}
