package serve

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/control"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/storage/traffic"
)

// Status is what the server writes as the status of an Endpoint.
type Status struct {
	Model    trimtab.ModelName `json:"model,omitempty"`
	Alias    trimtab.Alias     `json:"alias,omitempty"`
	Version  trimtab.Version   `json:"version,omitempty"` // that answers now
	Manifest trimtab.Digest    `json:"manifest,omitempty"`
	Flavor   string            `json:"flavor,omitempty"`
	Library  string            `json:"library,omitempty"`
	Since    trimtab.Time      `json:"since,omitempty"` // when it began to answer

	Conditions []trimtab.Condition `json:"conditions,omitempty"`
}

// Conditions of an endpoint.
const (
	Ready     = "Ready"     // it answers
	NoVersion = "NoVersion" // the alias points to nothing
	Loaded    = "Loaded"    // the version that the alias points to is the one that answers
)

// Status returns what was last found, and nil before that.
func (e *Endpoint) Status() *Status { return e.status.Load() }

// Run loads what is declared and follows it until ctx ends. It is called once.
func (s *Server) Run(ctx context.Context) error {
	group := make(chan error, 1)
	go func() { group <- s.controller.Run(ctx) }()
	tick := time.NewTicker(30 * time.Second)
	defer tick.Stop()
	for {
		if err := s.Resync(ctx); err != nil && ctx.Err() == nil {
			s.cfg.Log.WarnContext(ctx, "declared endpoints cannot be listed", "error", err)
		}
		select {
		case err := <-group:
			return err
		case <-tick.C:
		}
	}
}

// Resync looks at every declared endpoint again, and at every one that is served.
func (s *Server) Resync(ctx context.Context) error {
	declared, err := s.cfg.Resources.Everywhere(ctx, trimtab.KindEndpoint)
	if err != nil {
		return err
	}
	for _, r := range declared {
		s.controller.Add(place{r.Workspace, r.Name}.key())
	}
	for _, e := range s.all() {
		s.controller.Add(place{e.Workspace, e.Name}.key())
	}
	return nil
}

// Consumer follows the journal: what is declared, where aliases point, and the
// states of endpoints, which are taken over before the entry counts as read.
func (s *Server) Consumer() control.Consumer {
	return control.Consumer{Name: "serve", Handle: func(ctx context.Context, entries []trimtab.Entry) error {
		for _, entry := range entries {
			switch entry.Object.Kind {
			case "endpoint":
				s.controller.Add(place{entry.Workspace, entry.Object.Name}.key())
			case "registeredModel", "modelVersion":
				for _, e := range s.all() {
					if model, _ := e.Model(); e.Workspace == entry.Workspace && string(model) == entry.Object.Name {
						s.controller.Add(place{e.Workspace, e.Name}.key())
					}
				}
			case "endpointState":
				if e, err := s.Endpoint(entry.Workspace, entry.Object.Name); err == nil {
					if _, err := e.loadState(ctx); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}}
}

// Refresh takes the state of an endpoint over at once: for one who has just moved it in this process.
func (s *Server) Refresh(state trimtab.EndpointState) {
	if e, err := s.Endpoint(state.Workspace, state.Endpoint); err == nil {
		e.keepState(state)
	}
}

// Reconcile brings one endpoint to what is declared and returns when it is done: for tests and commands.
func (s *Server) Reconcile(ctx context.Context, ws trimtab.Workspace, name string) error {
	_, err := s.reconcile(ctx, place{ws, name}.key())
	return err
}

func (s *Server) reconcile(ctx context.Context, key string) (control.Result, error) {
	ws, name, _ := strings.Cut(key, "/")
	p := place{trimtab.Workspace(ws), name}
	ctx = trimtab.WithCall(ctx, trimtab.Call{Actor: trimtab.Controller("serve"), Workspace: p.ws})
	r, err := s.cfg.Resources.Get(ctx, trimtab.KindEndpoint, name)
	if trimtab.IsKind(err, trimtab.NotFound) {
		s.drop(p)
		return control.Result{}, nil
	}
	if err != nil {
		return control.Result{}, err
	}
	var spec trimtab.EndpointSpec
	if err := json.Unmarshal(r.Spec, &spec); err != nil {
		return control.Result{}, control.Terminal(fmt.Errorf("endpoint %s: %w", name, err))
	}
	e := (*s.table.Load())[p]
	if e == nil {
		log, err := s.cfg.Traffic.Endpoint(traffic.Endpoint{Workspace: p.ws, Name: name})
		if err != nil {
			return control.Result{}, err
		}
		e = &Endpoint{Workspace: p.ws, Name: name, server: s, log: log}
		e.config.Store(newConfig(r.Generation, spec))
		if _, err := e.loadState(ctx); err != nil {
			return control.Result{}, err
		}
		e = s.put(p, e)
	} else {
		e.config.Store(newConfig(r.Generation, spec))
		if _, err := e.loadState(ctx); err != nil {
			return control.Result{}, err
		}
	}
	return e.follow(ctx)
}

// follow makes the version that the alias points to answer.
func (e *Endpoint) follow(ctx context.Context) (control.Result, error) {
	e.moving.Lock()
	defer e.moving.Unlock()
	cfg := e.config.Load()
	model, alias := cfg.spec.Model.Name, cfg.alias
	v, err := e.server.cfg.Versions.ByAlias(ctx, model, alias)
	switch {
	case trimtab.IsKind(err, trimtab.NotFound):
		e.served.Store(nil)
		return control.Result{}, e.report(ctx, condition(NoVersion, true, "NoVersion", ""),
			condition(Ready, false, "NoVersion", fmt.Sprintf("alias %s of model %s points to no version: register one and move the alias", alias, model)))
	case err != nil:
		return control.Result{}, err
	}
	now := e.served.Load()
	if now != nil && now.model.Name == model && now.model.Version == v.Version && now.model.Manifest == v.Manifest && now.model.Output == cfg.output {
		return control.Result{}, e.report(ctx, condition(Ready, true, "", ""), condition(Loaded, true, "", ""))
	}
	next, err := e.load(ctx, v, cfg)
	if err != nil {
		e.server.cfg.Log.WarnContext(ctx, "a version cannot be served", "project", e.Workspace, "endpoint", e.Name, "model", model, "version", v.Version, "error", err)
		why := fmt.Sprintf("version %d of model %s cannot be served: %s", v.Version, model, trimtab.Message(err))
		reason := "LoadFailed"
		if trimtab.IsKind(err, trimtab.Unsupported) {
			reason = "Unsupported"
		}
		conditions := []trimtab.Condition{condition(Loaded, false, reason, why), condition(Ready, now != nil, "", "")}
		if now == nil {
			conditions[1].Reason, conditions[1].Message = reason, why
		}
		if e := e.report(ctx, conditions...); e != nil {
			return control.Result{}, e
		}
		switch trimtab.KindOf(err) {
		case trimtab.Unsupported, trimtab.Invalid:
			return control.Result{}, nil // only another version helps, and that comes with an entry
		case trimtab.Precondition:
			return control.Result{After: 2 * time.Second}, nil
		}
		return control.Result{}, err
	}
	e.served.Store(&served{model: next, since: e.server.cfg.Clock(), meters: e.server.newMeters(e, v.Version)})
	e.server.cfg.Log.InfoContext(ctx, "version serves", "project", e.Workspace, "endpoint", e.Name, "model", model, "version", v.Version, "flavor", next.Flavor)
	return control.Result{}, e.report(ctx, condition(Ready, true, "", ""), condition(Loaded, true, "", ""))
}

func condition(typ string, status bool, reason, message string) trimtab.Condition {
	return trimtab.Condition{Type: typ, Status: status, Reason: reason, Message: message}
}

// load loads a version and warms it with its input example.
func (e *Endpoint) load(ctx context.Context, v trimtab.ModelVersion, cfg *config) (*Model, error) {
	m, err := e.server.open(ctx, v, cfg.output)
	if err != nil {
		return nil, err
	}
	if err := m.warm(); err != nil {
		e.server.cfg.Log.WarnContext(ctx, "the input example cannot be answered", "endpoint", e.Name, "model", v.Model, "version", v.Version, "error", err)
	}
	return m, nil
}

func notFrozen(v trimtab.ModelVersion) error {
	return trimtab.Errorf(trimtab.Precondition, v.Object().String(), "its files are not complete yet: they are frozen when the run that made it ends")
}

// open loads a version from its frozen tree.
func (s *Server) open(ctx context.Context, v trimtab.ModelVersion, output string) (*Model, error) {
	if v.Manifest == "" {
		return nil, notFrozen(v)
	}
	manifest, err := s.cfg.Manifests.Manifest(ctx, v.Manifest)
	if err != nil {
		return nil, err
	}
	m, err := Load(ctx, Frozen(manifest, s.cfg.Blobs), Options{Output: output})
	if err != nil {
		return nil, err
	}
	m.Name, m.Version, m.Manifest = v.Model, v.Version, v.Manifest
	return m, nil
}

// maxModelFile bounds one file of a model.
const maxModelFile = 2 << 30

// Frozen reads the files of a frozen version.
func Frozen(manifest trimtab.Manifest, blobs Blobs) Files {
	return func(ctx context.Context, path string) ([]byte, error) {
		a, ok := manifest.Find(path)
		if !ok {
			return nil, fs.ErrNotExist
		}
		if a.Size > maxModelFile {
			return nil, trimtab.Errorf(trimtab.Unsupported, "model", "the file %s has %d bytes, the limit is %d", path, a.Size, int64(maxModelFile))
		}
		r, err := blobs.Open(ctx, a.Digest)
		if err != nil {
			return nil, err
		}
		defer r.Close()
		b := make([]byte, r.Size())
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		return b, nil
	}
}

// warm answers the input example once, so that the first request finds memory and caches ready.
func (m *Model) warm() error {
	if len(m.example) == 0 {
		return nil
	}
	d, err := m.Signature.NewDecoder(schema.Options{})
	if err != nil {
		return err
	}
	rq, err := d.Invocations(m.example, "application/json")
	if err != nil {
		return err
	}
	_, err = m.Score(nil, rq.Table)
	if err == nil {
		m.decoders.Put(d)
	}
	return err
}

// report keeps the status and stores it when it has changed.
func (e *Endpoint) report(ctx context.Context, conditions ...trimtab.Condition) error {
	model, alias := e.Model()
	st := &Status{Model: model, Alias: alias}
	if s := e.served.Load(); s != nil {
		st.Version, st.Manifest, st.Flavor, st.Library, st.Since = s.model.Version, s.model.Manifest, s.model.Flavor, s.model.Library, s.since
	}
	old := e.status.Load()
	for i := range conditions {
		conditions[i].Since = e.server.cfg.Clock()
		if old == nil {
			continue
		}
		for _, o := range old.Conditions {
			if o.Type == conditions[i].Type && o.Status == conditions[i].Status {
				conditions[i].Since = o.Since
			}
		}
	}
	st.Conditions = conditions
	body, err := json.Marshal(st)
	if err != nil {
		return err
	}
	if old != nil {
		if before, err := json.Marshal(old); err == nil && string(before) == string(body) {
			return nil
		}
	}
	e.status.Store(st)
	err = e.server.cfg.Resources.SetStatus(ctx, trimtab.KindEndpoint, e.Name, body)
	if trimtab.IsKind(err, trimtab.NotFound) {
		return nil
	}
	return err
}
