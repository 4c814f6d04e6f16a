package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// Base is the path below which the API lies.
const Base = "/api/trimtab/v1alpha1"

// maxBlob bounds one uploaded object: 64 GiB.
const maxBlob = 64 << 30

// Routes makes the routes of the API for the route table.
func Routes(cfg Config) []route.Route {
	if cfg.Clock == nil {
		cfg.Clock = trimtab.SystemClock
	}
	t := newTable(cfg)
	t.resources()
	t.blobs()
	t.pipelines()
	t.pipelinePages()
	t.changePages()
	t.runs()
	t.runPages()
	t.series()
	t.comparisons()
	t.experiments()
	t.registry()
	t.modelPages()
	t.endpoints()
	t.endpointPages()
	t.liveTraffic()
	t.replays()
	t.monitors()
	t.monitorPages()
	t.dataPages()
	t.evaluations()
	t.simulations()
	t.decisions()
	t.incidents()
	t.rollouts()
	t.rolloutPages()
	t.loop()
	t.loopPages()
	t.timeline()
	t.channels()
	t.find()
	t.about()
	t.journal()
	t.audit()
	return append(t.routes, route.Route{Method: "GET", Pattern: Base + "/openapi.json", Auth: route.Public, Via: "api", Handle: t.document()})
}

// table collects routes from huma, which it is given instead of a mux.
type table struct {
	cfg    Config
	api    huma.API
	routes []route.Route
	auth   map[string]line // by pattern, told before huma registers it
}

type line struct {
	auth    route.AuthClass
	raw     bool
	maxBody int64
}

func newTable(cfg Config) *table {
	t := &table{cfg: cfg, auth: map[string]line{}}
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	// These marshal as text or as free JSON; by their Go kinds they would be
	// described, and validated, as what they are not.
	registry.RegisterTypeAlias(reflect.TypeFor[trimtab.Time](), reflect.TypeFor[string]())
	registry.RegisterTypeAlias(reflect.TypeFor[view.Number](), reflect.TypeFor[float64]())
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI:    "3.1.0",
			Info:       &huma.Info{Title: "trimtab", Version: cfg.Version, Description: "The native API of trimtab. Paths begin with a project; \"default\" is the one that always exists."},
			Components: &huma.Components{Schemas: registry},
		},
		Formats:       huma.DefaultFormats,
		DefaultFormat: "application/json",
	}
	t.api = humago.New(t, config)
	return t
}

// schemaName names a schema by its Go type, without the package and with the
// type argument of a generic type in front: ListRun.
func schemaName(t reflect.Type, hint string) string {
	return packageNames.Replace(huma.DefaultSchemaNamer(t, hint))
}

var packageNames = strings.NewReplacer("trimtab", "", "view", "")

// HandleFunc is the mux that huma sees.
func (t *table) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	method, path, _ := strings.Cut(pattern, " ")
	l := t.auth[pattern]
	t.routes = append(t.routes, route.Route{Method: method, Pattern: path, Auth: l.auth, Raw: l.raw, MaxBody: l.maxBody, Via: "api",
		Handle: func(w http.ResponseWriter, r *http.Request) error { return serve(w, r, handler) }})
}

// ServeHTTP completes the interface; requests go through the route table.
func (t *table) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// failure carries the error of an operation past huma to the route table, which
// alone writes errors.
type failure struct{ err error }

type failureKey struct{}

func serve(w http.ResponseWriter, r *http.Request, handler func(http.ResponseWriter, *http.Request)) error {
	call := trimtab.CallOf(r.Context())
	if name := r.PathValue("project"); name != "" {
		project := trimtab.Workspace(name)
		if err := project.Validate(); err != nil {
			return err
		}
		if call.Actor.Attempt != "" && project != call.Workspace {
			return trimtab.Errorf(trimtab.Denied, "project "+name, "the attempt token belongs to project %s and opens nothing in project %s", call.Workspace, name)
		}
		call.Workspace = project
	}
	f := &failure{}
	ctx := context.WithValue(trimtab.WithCall(r.Context(), call), failureKey{}, f)
	handler(&muted{ResponseWriter: w, failure: f}, r.WithContext(ctx))
	return f.err
}

// muted drops what huma would write of an error.
type muted struct {
	http.ResponseWriter
	failure *failure
}

func (m *muted) WriteHeader(status int) {
	if m.failure.err == nil {
		m.ResponseWriter.WriteHeader(status)
	}
}

func (m *muted) Write(p []byte) (int, error) {
	if m.failure.err != nil {
		return len(p), nil
	}
	return m.ResponseWriter.Write(p)
}

func (m *muted) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// fail records the error of an operation; nothing that is written after it goes out.
func fail(ctx context.Context, err error) {
	if f, ok := ctx.Value(failureKey{}).(*failure); ok && f.err == nil {
		f.err = err
	}
}

// huma makes every error through one hook, which is global; this package is the
// only one that uses huma.
var _ = func() bool {
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		fail(ctx.Context(), translate(status, msg, errs))
		return &huma.ErrorModel{Status: status}
	}
	return true
}()

// translate turns what huma found into an error of the vocabulary.
func translate(status int, msg string, errs []error) error {
	if status >= 500 && len(errs) == 1 {
		return errs[0] // what the operation returned
	}
	var details []string
	for _, e := range errs {
		if d, ok := e.(huma.ErrorDetailer); ok {
			detail := d.ErrorDetail()
			details = append(details, strings.TrimPrefix(detail.Location+": ", ": ")+detail.Message)
		} else if e != nil {
			details = append(details, e.Error())
		}
	}
	if len(details) > 0 {
		msg += ": " + strings.Join(details, "; ")
	}
	kind := trimtab.Invalid
	if status >= 500 {
		kind = trimtab.Internal
	}
	return trimtab.Errorf(kind, "request", "%s", msg)
}

// operation is one line of the API.
type operation struct {
	id, method, path, summary string
	auth                      route.AuthClass
	raw                       bool
	maxBody                   int64
	status                    int
	content                   string // of a streamed answer; "" for JSON
	body                      string // content type of a streamed request; "" for JSON or none
}

func (t *table) declare(o operation) huma.Operation {
	path := Base + "/{project}" + o.path
	t.auth[o.method+" "+path] = line{auth: o.auth, raw: o.raw, maxBody: o.maxBody}
	op := huma.Operation{OperationID: o.id, Method: o.method, Path: path, Summary: o.summary, DefaultStatus: o.status, MaxBodyBytes: -1}
	if o.content != "" {
		op.Responses = map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{o.content: {Schema: &huma.Schema{Type: "string"}}}}}
	}
	if o.body != "" {
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{o.body: {Schema: &huma.Schema{Type: "string", Format: "binary"}}}}
	}
	return op
}

// add registers an operation that answers JSON.
func add[I, O any](t *table, o operation, handle func(ctx context.Context, in *I) (O, error)) {
	huma.Register(t.api, t.declare(o), func(ctx context.Context, in *I) (*struct{ Body O }, error) {
		out, err := handle(ctx, in)
		if err != nil {
			return nil, refuse(ctx, err)
		}
		return &struct{ Body O }{out}, nil
	})
}

// stream registers an operation that writes its answer by itself. An error
// before the first byte is written by the route table; later it cuts the connection.
func stream[I any](t *table, o operation, handle func(ctx context.Context, in *I, w http.ResponseWriter, r *http.Request) error) {
	o.raw = true
	huma.Register(t.api, t.declare(o), func(ctx context.Context, in *I) (*huma.StreamResponse, error) {
		return &huma.StreamResponse{Body: func(hc huma.Context) {
			r, w := humago.Unwrap(hc)
			if err := handle(ctx, in, w, r); err != nil {
				fail(ctx, err)
			}
		}}, nil
	})
}

// refused is what huma is told of an error that the route table will write.
type refused struct{ error }

func (refused) GetStatus() int { return http.StatusInternalServerError }

func refuse(ctx context.Context, err error) error {
	fail(ctx, err)
	return refused{err}
}

// document serves the OpenAPI description, encoded once.
func (t *table) document() func(http.ResponseWriter, *http.Request) error {
	encode := sync.OnceValues(func() ([]byte, error) {
		raw, err := t.api.OpenAPI().MarshalJSON()
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		err = json.Indent(&out, raw, "", " ")
		return out.Bytes(), err
	})
	return func(w http.ResponseWriter, _ *http.Request) error {
		body, err := encode()
		if err != nil {
			return err
		}
		w.Header().Set("Content-Type", "application/vnd.oai.openapi+json;version=3.1")
		_, err = w.Write(body)
		return err
	}
}

// ProjectIn is the part of every path. It is exported because huma reads
// embedded structs only then; so are the others of its kind.
type ProjectIn struct {
	Project string `path:"project" doc:"The project, which is the workspace of MLflow clients." example:"default"`
}

// PageIn bounds a listing.
type PageIn struct {
	Limit int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"How many items at most."`
	After string `query:"after" doc:"The token next of the page before."`
}
