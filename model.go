package trimtab

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
)

// LoggedModelStatus is MLflow's status of a logged model.
type LoggedModelStatus string

const (
	LoggedModelPending LoggedModelStatus = "LOGGED_MODEL_PENDING"
	LoggedModelReady   LoggedModelStatus = "LOGGED_MODEL_READY"
	LoggedModelFailed  LoggedModelStatus = "LOGGED_MODEL_UPLOAD_FAILED"
)

// LoggedModel is a model that a run produced, before or without registration.
type LoggedModel struct {
	Workspace  Workspace         `json:"ws"`
	ID         LoggedModelID     `json:"id"`
	Experiment ExperimentID      `json:"experiment"`
	Name       string            `json:"name"`
	Type       string            `json:"type,omitzero"`
	SourceRun  RunID             `json:"sourceRun,omitzero"`
	Status     LoggedModelStatus `json:"status"`
	Message    string            `json:"message,omitzero"`
	Lifecycle  Lifecycle         `json:"lifecycle"`
	Created    Time              `json:"created"`
	Updated    Time              `json:"-"`

	ArtifactURI string            `json:"-"`
	Params      []Param           `json:"-"`
	Tags        map[string]string `json:"-"`
	Metrics     []Metric          `json:"-"`
}

// Object names the logged model in the journal.
func (m LoggedModel) Object() Object { return Object{Kind: "loggedModel", Name: string(m.ID)} }

// Change makes the journal change of an action that leads from before (nil for a new one) to m.
func (m LoggedModel) Change(action string, before *LoggedModel) Change {
	c := Change{Action: action, Object: m.Object(), After: StateDigest(m)}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

// RegisteredModel is a name under which versions are kept. Tags and aliases are
// governed with it, so a moved alias that no entry explains is found.
type RegisteredModel struct {
	Workspace   Workspace         `json:"ws"`
	Name        ModelName         `json:"name"`
	Description string            `json:"description,omitzero"`
	Created     Time              `json:"created"`
	Updated     Time              `json:"-"`
	LastVersion Version           `json:"lastVersion,omitzero"` // the highest number ever given
	Aliases     map[Alias]Version `json:"aliases,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// Object names the model in the journal.
func (m RegisteredModel) Object() Object {
	return Object{Kind: "registeredModel", Name: string(m.Name)}
}

// Change makes the journal change of an action that leads from before (nil for a new one) to m.
func (m RegisteredModel) Change(action string, before *RegisteredModel) Change {
	c := Change{Action: action, Object: m.Object(), After: StateDigest(m)}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	return c
}

// ModelVersion is one immutable version of a registered model. Manifest is the
// digest of its frozen artifact tree; "" until the tree has been frozen.
type ModelVersion struct {
	Workspace   Workspace         `json:"ws"`
	Model       ModelName         `json:"model"`
	Version     Version           `json:"version"`
	Source      string            `json:"source,omitzero"` // as the client gave it
	Tree        TreeID            `json:"tree,omitzero"`   // the tree (and TreePath below it) that was frozen
	TreePath    string            `json:"treePath,omitzero"`
	Run         RunID             `json:"run,omitzero"`
	LoggedModel LoggedModelID     `json:"loggedModel,omitzero"`
	RunLink     string            `json:"runLink,omitzero"`
	Description string            `json:"description,omitzero"`
	User        string            `json:"user,omitzero"`
	Stage       string            `json:"stage,omitzero"` // "None", "Staging", "Production", "Archived"; DeletedStage when deleted
	Status      string            `json:"status"`         // "READY", "PENDING_REGISTRATION" while the tree is not frozen
	Manifest    Digest            `json:"manifest,omitzero"`
	Attempt     AttemptID         `json:"attempt,omitzero"` // the attempt that registered it; invisible to aliases until Settled
	Settled     bool              `json:"settled,omitzero"`
	Created     Time              `json:"created"`
	Updated     Time              `json:"-"`
	Tags        map[string]string `json:"tags,omitempty"`

	Aliases []Alias `json:"-"`
}

// DeletedStage marks a deleted version: the row stays so that its number is never given again.
const DeletedStage = "Deleted_Internal"

// Object names the version in the journal.
func (v ModelVersion) Object() Object {
	return Object{Kind: "modelVersion", Name: string(v.Model), Version: strconv.FormatInt(int64(v.Version), 10)}
}

// Deleted reports whether the version has been deleted.
func (v ModelVersion) Deleted() bool { return v.Stage == DeletedStage }

// Change makes the journal change of an action that leads from before (nil for a new one) to v.
func (v ModelVersion) Change(action string, before *ModelVersion) Change {
	c := Change{Action: action, Object: v.Object(), After: StateDigest(v)}
	if before != nil {
		c.Before = StateDigest(*before)
	}
	if v.Manifest != "" {
		c.Refs = []Ref{{Kind: "manifest", Digest: v.Manifest}}
	}
	return c
}

// Freeze binds the version to the manifest of its tree.
func (v ModelVersion) Freeze(manifest Digest, now Time) (ModelVersion, Change, error) {
	if v.Deleted() {
		return v, Change{}, Errorf(NotFound, v.Object().String(), "Model Version (name=%s, version=%d) not found", v.Model, v.Version)
	}
	if v.Manifest == manifest {
		return v, Change{}, nil
	}
	if v.Manifest != "" {
		return v, Change{}, Errorf(Conflict, v.Object().String(), "model %s version %d is frozen as %s; a version never changes", v.Model, v.Version, v.Manifest.Short())
	}
	old := v
	v.Manifest, v.Status, v.Updated = manifest, "READY", now
	return v, v.Change("model.version.freeze", &old), nil
}

// MoveAlias is the command that points an alias to a version.
type MoveAlias struct {
	Alias Alias
	To    Version
	// From, when not nil, is the version the alias must point to now (0: the alias must be absent).
	From  *Version
	Cause string // names the decision; the same cause twice is the same move
}

// MoveAlias points an alias of m to the version to. The move that changes
// nothing returns an empty Change. A version whose attempt has not succeeded
// cannot be pointed to.
func (m RegisteredModel) MoveAlias(cmd MoveAlias, to ModelVersion, now Time) (RegisteredModel, Change, error) {
	if err := cmd.Alias.Validate(); err != nil {
		return m, Change{}, err
	}
	if to.Deleted() || to.Model != m.Name || to.Version != cmd.To {
		return m, Change{}, Errorf(NotFound, to.Object().String(), "Model Version (name=%s, version=%d) not found", m.Name, cmd.To)
	}
	if to.Attempt != "" && !to.Settled {
		return m, Change{}, Errorf(Precondition, to.Object().String(), "model %s version %d was registered by pipeline step %s, which has not succeeded; an alias can point to it once it has", m.Name, cmd.To, to.Attempt)
	}
	now0 := m.Aliases[cmd.Alias]
	if now0 == cmd.To {
		return m, Change{}, nil
	}
	if cmd.From != nil && now0 != *cmd.From {
		return m, Change{}, Errorf(Conflict, m.Object().String(), "alias %q of model %s points to version %d, expected %d: somebody moved it meanwhile", cmd.Alias, m.Name, now0, *cmd.From)
	}
	old := m
	m.Aliases = withAlias(m.Aliases, cmd.Alias, cmd.To)
	m.Updated = now
	c := m.Change("model.alias.set", &old)
	c.Reason = cmd.Cause
	c.Data = aliasData(cmd.Alias, now0, cmd.To)
	return m, c, nil
}

// DropAlias removes an alias; one that does not exist changes nothing.
func (m RegisteredModel) DropAlias(alias Alias, now Time) (RegisteredModel, Change, error) {
	from, ok := m.Aliases[alias]
	if !ok {
		return m, Change{}, nil
	}
	old := m
	m.Aliases = withAlias(m.Aliases, alias, 0)
	m.Updated = now
	c := m.Change("model.alias.delete", &old)
	c.Data = aliasData(alias, from, 0)
	return m, c, nil
}

// AliasMoved is the Data of the actions model.alias.set and model.alias.delete.
type AliasMoved struct {
	Alias Alias   `json:"alias"`
	From  Version `json:"from,omitempty"`
	To    Version `json:"to,omitempty"`
}

func aliasData(a Alias, from, to Version) json.RawMessage {
	b, _ := json.Marshal(AliasMoved{Alias: a, From: from, To: to})
	return b
}

func withAlias(in map[Alias]Version, a Alias, v Version) map[Alias]Version {
	out := make(map[Alias]Version, len(in)+1)
	for k, x := range in {
		out[k] = x
	}
	if v == 0 {
		delete(out, a)
	} else {
		out[a] = v
	}
	return out
}

var (
	aliasForm    = regexp.MustCompile(`^[\p{L}\p{N}_\-]+$`)
	aliasVersion = regexp.MustCompile(`(?i)^v\d+$`)
)

// Validate reports whether the alias can be used.
func (a Alias) Validate() error {
	switch {
	case a == "":
		return Errorf(Invalid, "alias", "Registered model alias name cannot be empty.")
	case len(a) > 255:
		return Errorf(Invalid, "alias", "Registered model alias name must be at most 255 characters long, got %d", len(a))
	case !aliasForm.MatchString(string(a)):
		return Errorf(Invalid, "alias", "Invalid alias name: '%s'. Names may only contain alphanumerics, underscores (_) and dashes (-).", a)
	case strings.EqualFold(string(a), "latest"):
		return Errorf(Invalid, "alias", "'latest' alias name (case insensitive) is reserved.")
	case aliasVersion.MatchString(string(a)):
		return Errorf(Invalid, "alias", "Version alias name '%s' is reserved.", a)
	}
	return nil
}
