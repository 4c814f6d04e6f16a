package track

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
)

// CreateExperiment makes an experiment of name, tags and perhaps an artifact
// location. Exists when the name is taken, by a deleted experiment too. A
// location must lie in the server's own store: files that it does not keep it
// could neither serve nor freeze nor vouch for.
func (t *Tracker) CreateExperiment(ctx context.Context, e trimtab.Experiment) (trimtab.Experiment, error) {
	if err := checkExperimentName(e.Name); err != nil {
		return e, err
	}
	location, err := artifactLocation(e.ArtifactLocation)
	if err != nil {
		return e, err
	}
	e.ArtifactLocation = location
	for _, key := range slices.Sorted(maps.Keys(e.Tags)) {
		if err := checkExperimentTag(trimtab.Tag{Key: key, Value: e.Tags[key]}); err != nil {
			return e, err
		}
	}
	e.Created = t.cfg.Clock()
	return t.cfg.Experiments.Create(ctx, e)
}

// RenameExperiment gives an active experiment another name.
func (t *Tracker) RenameExperiment(ctx context.Context, id trimtab.ExperimentID, name string) error {
	if err := checkExperimentName(name); err != nil {
		return err
	}
	return t.cfg.Experiments.Rename(ctx, id, name)
}

// SetExperimentTag sets a tag of an active experiment.
func (t *Tracker) SetExperimentTag(ctx context.Context, id trimtab.ExperimentID, tag trimtab.Tag) error {
	if err := checkExperimentTag(tag); err != nil {
		return err
	}
	return t.cfg.Experiments.SetTag(ctx, id, tag)
}

func checkExperimentName(name string) error {
	if name == "" {
		return invalid("experiment", "Invalid experiment name: '%s'", name)
	}
	return checkLength("name", name, MaxExperimentName)
}

func checkExperimentTag(tag trimtab.Tag) error {
	if err := checkKey(tag.Key, "key"); err != nil {
		return err
	}
	if err := checkLength("key", tag.Key, MaxKey); err != nil {
		return err
	}
	return checkLength("value", tag.Value, MaxExperimentTagValue)
}

// ArtifactScheme begins the address of everything in the server's own store.
const ArtifactScheme = "mlflow-artifacts:/"

// VersionRoot is the first part of the path of every version's own tree; no
// experiment may keep its files there.
const VersionRoot = "versions"

func artifactLocation(location string) (string, error) {
	rest, ours := strings.CutPrefix(location, ArtifactScheme)
	rest = strings.Trim(rest, "/")
	if location == "" || ours && rest == "" {
		return "", nil
	}
	bad := func(why string) (string, error) {
		return "", invalid("artifact_location", "Invalid artifact_location '%s': %s. Leave it out: this server keeps the artifacts itself", location, why)
	}
	switch {
	case !ours:
		return bad("only " + ArtifactScheme + "… is kept here, never a path or a bucket that a client names")
	case strings.HasPrefix(strings.TrimPrefix(location, ArtifactScheme), "/"):
		return bad("it names another host")
	case strings.ContainsAny(rest, "?#%"):
		return bad("it has a character that an address reserves")
	}
	clean, err := trimtab.ArtifactPath(rest)
	if err != nil {
		return bad(trimtab.Message(err))
	}
	if clean == VersionRoot || strings.HasPrefix(clean, VersionRoot+"/") {
		return bad("this place belongs to model versions")
	}
	return ArtifactScheme + clean, nil
}
