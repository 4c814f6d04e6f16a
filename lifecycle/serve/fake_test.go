package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"sync"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/storage/blob"
	"github.com/trimtab/trimtab/storage/traffic"
)

// shelf is everything that a server reads, in memory.
type shelf struct {
	t  testing.TB
	mu sync.Mutex

	blobs     map[trimtab.Digest][]byte
	manifests map[trimtab.Digest]trimtab.Manifest
	versions  []trimtab.ModelVersion // of the one model "m"; number i+1
	alias     trimtab.Version
	rollouts  []trimtab.Rollout // the newest first
	resources map[string]trimtab.Resource
	state     trimtab.EndpointState
	opened    map[trimtab.Digest]int // how often an object was read
	contracts Contracts
}

func newShelf(t testing.TB) *shelf {
	return &shelf{t: t, blobs: map[trimtab.Digest][]byte{}, manifests: map[trimtab.Digest]trimtab.Manifest{}, resources: map[string]trimtab.Resource{},
		opened: map[trimtab.Digest]int{}, state: trimtab.EndpointState{Mode: trimtab.ClockMode, LiveSince: 1}}
}

// register adds a version with these files and returns its number.
func (s *shelf) register(files map[string]string) trimtab.Version {
	var list []trimtab.Artifact
	for path, body := range files {
		d := trimtab.DigestOf([]byte(body))
		s.blobs[d] = []byte(body)
		list = append(list, trimtab.Artifact{Path: path, Size: int64(len(body)), Digest: d})
	}
	m := trimtab.NewManifest(list)
	s.manifests[m.Digest()] = m
	v := trimtab.Version(len(s.versions) + 1)
	s.versions = append(s.versions, trimtab.ModelVersion{Model: "m", Version: v, Manifest: m.Digest()})
	return v
}

// server serves the shelf; its log of traffic lies in a folder of the test.
func (s *shelf) server() *Server {
	s.t.Helper()
	log, err := traffic.Open(traffic.Config{Dir: s.t.TempDir()})
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := log.Close(); err != nil {
			s.t.Error(err)
		}
	})
	server, err := New(Config{Resources: s, Versions: shelfVersions{s}, Manifests: s, States: s, Blobs: s, Traffic: log, Rollouts: shelfRollouts{s}, Contracts: s.contracts})
	if err != nil {
		s.t.Fatal(err)
	}
	return server
}

func (s *shelf) declare(name string, spec trimtab.EndpointSpec) {
	s.t.Helper()
	body, err := trimtab.Canonical(spec)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resources[name] = trimtab.Resource{Workspace: "default", Kind: trimtab.KindEndpoint, Name: name, Spec: body, Status: s.resources[name].Status}
}

func (s *shelf) Get(_ context.Context, kind, name string) (trimtab.Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.resources[name]; ok {
		return r, nil
	}
	return trimtab.Resource{}, trimtab.Errorf(trimtab.NotFound, kind+" "+name, "there is no %s %s", kind, name)
}

func (s *shelf) Everywhere(context.Context, string) ([]trimtab.Resource, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []trimtab.Resource
	for _, r := range s.resources {
		out = append(out, r)
	}
	return out, nil
}

func (s *shelf) SetStatus(_ context.Context, _, name string, status json.RawMessage) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.resources[name]
	r.Status = status
	s.resources[name] = r
	return nil
}

func (s *shelf) State(_ context.Context, endpoint string) (trimtab.EndpointState, error) {
	st := s.state
	st.Workspace, st.Endpoint = "default", endpoint
	return st, nil
}

func (s *shelf) Move(_ context.Context, _ string, rule func(trimtab.EndpointState) (trimtab.EndpointState, trimtab.Change, error)) (trimtab.EndpointState, error) {
	st, _, err := rule(s.state)
	return st, err
}

func (s *shelf) Manifest(_ context.Context, d trimtab.Digest) (trimtab.Manifest, error) {
	return s.manifests[d], nil
}

func (s *shelf) Open(_ context.Context, d trimtab.Digest) (blob.Reader, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opened[d]++
	b, ok := s.blobs[d]
	if !ok {
		return nil, trimtab.Errorf(trimtab.NotFound, "object", "there is no object %s", d)
	}
	return object{bytes.NewReader(b)}, nil
}

type object struct{ *bytes.Reader }

func (object) Close() error { return nil }

// shelfVersions finds the versions of a shelf.
type shelfVersions struct{ *shelf }

func (s shelfVersions) Get(_ context.Context, model trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error) {
	if model != "m" || v < 1 || int(v) > len(s.versions) {
		return trimtab.ModelVersion{}, trimtab.Errorf(trimtab.NotFound, "model version", "model %s has no version %d", model, v)
	}
	return s.versions[v-1], nil
}

func (s shelfVersions) ByAlias(ctx context.Context, model trimtab.ModelName, alias trimtab.Alias) (trimtab.ModelVersion, error) {
	s.mu.Lock()
	v := s.alias
	s.mu.Unlock()
	if v == 0 {
		return trimtab.ModelVersion{}, trimtab.Errorf(trimtab.NotFound, "alias", "model %s has no alias %s", model, alias)
	}
	return s.Get(ctx, model, v)
}

// shelfRollouts lists the rollouts of a shelf.
type shelfRollouts struct{ *shelf }

func (s shelfRollouts) List(_ context.Context, q trimtab.DocumentQuery) (out []trimtab.Rollout, _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.rollouts {
		if r.Endpoint == q.Scope {
			out = append(out, r)
		}
	}
	return out, nil
}

// roll changes the newest rollout of endpoint e, or begins the first, and hands the entry to the server as the journal would.
func (s *shelf) roll(server *Server, change func(r *trimtab.Rollout)) {
	s.t.Helper()
	s.mu.Lock()
	if len(s.rollouts) == 0 {
		s.rollouts = []trimtab.Rollout{{ID: trimtab.RolloutID("e", 1), Endpoint: "e", Model: "m", From: 1, To: 2, Salt: "salt", State: trimtab.RolloutCanary}}
	}
	change(&s.rollouts[0])
	entry := entryOf(s.rollouts[0].Object())
	s.mu.Unlock()
	if err := server.Consumer().Handle(s.t.Context(), []trimtab.Entry{entry}); err != nil {
		s.t.Fatal(err)
	}
}

func entryOf(o trimtab.Object) trimtab.Entry {
	var e trimtab.Entry
	e.Workspace, e.Object = "default", o
	return e
}
