package oip

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/serve"
	"github.com/trimtab/trimtab/protocol/route"
	"github.com/trimtab/trimtab/pure/schema"
	"github.com/trimtab/trimtab/pure/table"
)

// Config is what the routes answer with.
type Config struct {
	Server  *serve.Server
	Version string // of trimtab, for the server's metadata
}

// Routes are the routes of all models and those of single endpoints.
func Routes(cfg Config) []route.Route {
	f := &front{cfg}
	var out []route.Route
	for _, below := range []string{"", "/endpoints/{endpoint}"} {
		add := func(method, path string, auth route.AuthClass, handle func(w http.ResponseWriter, r *http.Request) error) {
			out = append(out, route.Route{Method: method, Pattern: below + "/v2" + path, Auth: auth, Via: "oip", Fail: WriteError, Handle: handle, Raw: strings.HasSuffix(path, "/infer")})
		}
		add("GET", "", route.Public, f.server)
		add("GET", "/{$}", route.Public, f.server)
		add("GET", "/health/live", route.Public, f.live)
		add("GET", "/health/ready", route.Public, f.ready)
		add("GET", "/models", route.Reader, f.models)
		add("POST", "/repository/index", route.Reader, f.index)
		for _, version := range []string{"", "/versions/{version}"} {
			add("GET", "/models/{model}"+version, route.Reader, f.metadata)
			add("GET", "/models/{model}"+version+"/ready", route.Reader, f.modelReady)
			add("POST", "/models/{model}"+version+"/infer", route.Writer, f.infer)
		}
	}
	return out
}

type front struct{ cfg Config }

// endpoints are the models that a request can see.
func (f *front) endpoints(r *http.Request) ([]*serve.Endpoint, error) {
	ws := trimtab.CallOf(r.Context()).Workspace
	name := r.PathValue("endpoint")
	if name == "" {
		return f.cfg.Server.Endpoints(ws), nil
	}
	e, err := f.cfg.Server.Endpoint(ws, name)
	if err != nil {
		return nil, err
	}
	return []*serve.Endpoint{e}, nil
}

// endpoint finds the model of the path.
func (f *front) endpoint(r *http.Request) (*serve.Endpoint, error) {
	name := r.PathValue("model")
	if one := r.PathValue("endpoint"); one != "" && one != name {
		return nil, trimtab.Errorf(trimtab.NotFound, "model "+name, "endpoint %s serves one model, which is called %s as well", one, one)
	}
	e, err := f.cfg.Server.Endpoint(trimtab.CallOf(r.Context()).Workspace, name)
	if err != nil {
		return nil, trimtab.Errorf(trimtab.NotFound, "model "+name, "model %s is not found: no endpoint of that name is declared", name)
	}
	if want := r.PathValue("version"); want != "" {
		m := e.Current()
		if m == nil || want != strconv.FormatInt(int64(m.Version), 10) {
			return nil, trimtab.Errorf(trimtab.NotFound, "model "+name, "model %s does not serve version %s now", name, want)
		}
	}
	return e, nil
}

func answer(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	_, err = w.Write(b)
	return err
}

func (f *front) server(w http.ResponseWriter, r *http.Request) error {
	return answer(w, struct {
		Name       string   `json:"name"`
		Version    string   `json:"version"`
		Extensions []string `json:"extensions"`
	}{"trimtab", f.cfg.Version, []string{"model_repository"}})
}

func (f *front) live(w http.ResponseWriter, r *http.Request) error {
	return answer(w, map[string]bool{"live": true})
}

// ready is ready when every model is.
func (f *front) ready(w http.ResponseWriter, r *http.Request) error {
	all, err := f.endpoints(r)
	if err != nil {
		return err
	}
	for _, e := range all {
		if e.Current() == nil {
			return &trimtab.Error{Kind: trimtab.Unavailable, Subject: "endpoint " + e.Name, Msg: "model " + e.Name + " is not ready", RetryAfter: 5e9}
		}
	}
	return answer(w, map[string]bool{"ready": true, "live": true})
}

func (f *front) models(w http.ResponseWriter, r *http.Request) error {
	all, err := f.endpoints(r)
	if err != nil {
		return err
	}
	names := []string{}
	for _, e := range all {
		names = append(names, e.Name)
	}
	return answer(w, map[string][]string{"models": names})
}

// index lists models and states; its body may be empty.
func (f *front) index(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	var ask struct {
		Ready bool `json:"ready"`
	}
	if len(body) > 0 {
		if err := json.Unmarshal(body, &ask); err != nil {
			return trimtab.Errorf(trimtab.Invalid, "request", "the body cannot be read: expected nothing or {\"ready\": true}")
		}
	}
	all, err := f.endpoints(r)
	if err != nil {
		return err
	}
	type line struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
		State   string `json:"state"`
		Reason  string `json:"reason"`
	}
	lines := []line{}
	for _, e := range all {
		l := line{Name: e.Name, State: "UNAVAILABLE"}
		if m := e.Current(); m != nil {
			l.Version, l.State = strconv.FormatInt(int64(m.Version), 10), "READY"
		} else if ask.Ready {
			continue
		}
		if st := e.Status(); st != nil {
			for _, c := range st.Conditions {
				if !c.Status && c.Message != "" {
					l.Reason = c.Message
				}
			}
		}
		lines = append(lines, l)
	}
	return answer(w, lines)
}

func (f *front) modelReady(w http.ResponseWriter, r *http.Request) error {
	e, err := f.endpoint(r)
	if err != nil {
		return err
	}
	c, err := e.Begin()
	if err != nil {
		return err
	}
	c.Discard()
	return answer(w, map[string]any{"name": e.Name, "ready": true})
}

// tensor is one line of metadata.
type tensor struct {
	Name     string  `json:"name"`
	Datatype string  `json:"datatype"`
	Shape    []int64 `json:"shape"`
}

// outputName is the name of the one output of every model.
const outputName = "prediction"

func outputOf(labels, float32 bool) (datatype string, typ table.Type) {
	switch {
	case labels:
		return "INT64", table.Int64
	case float32:
		return "FP32", table.Float32
	}
	return "FP64", table.Float64
}

func (f *front) metadata(w http.ResponseWriter, r *http.Request) error {
	e, err := f.endpoint(r)
	if err != nil {
		return err
	}
	c, err := e.Begin()
	if err != nil {
		return err
	}
	m := c.Model()
	c.Discard()
	datatype, _ := outputOf(m.Labels(), m.Float32())
	out := struct {
		Name     string   `json:"name"`
		Versions []string `json:"versions"`
		Platform string   `json:"platform"`
		Inputs   []tensor `json:"inputs"`
		Outputs  []tensor `json:"outputs"`
	}{e.Name, []string{strconv.FormatInt(int64(m.Version), 10)}, "trimtab_" + strings.Fields(m.Flavor)[0], []tensor{}, []tensor{{outputName, datatype, []int64{-1}}}}
	if !m.Flat() {
		out.Outputs[0].Shape = []int64{-1, int64(m.Width())}
	}
	for _, c := range m.Inputs() {
		out.Inputs = append(out.Inputs, tensor{c.Name, schema.Datatype(c.Type), []int64{-1, 1}})
	}
	return answer(w, out)
}

// binaryHeader announces tensors in binary, which this front does not read yet.
const binaryHeader = "Inference-Header-Content-Length"

func (f *front) infer(w http.ResponseWriter, r *http.Request) (err error) {
	e, err := f.endpoint(r)
	if err != nil {
		return err
	}
	meta, err := serve.ReadMeta(r.Header.Get, trimtab.CallOf(r.Context()).RequestID)
	if err != nil {
		return err
	}
	if r.Header.Get(binaryHeader) != "" {
		return trimtab.Errorf(trimtab.Invalid, "request", "the binary tensor data extension (header %s) is not read: send tensors as JSON (tritonclient: binary_data=False)", binaryHeader)
	}
	c, err := e.Begin()
	if err != nil {
		return err
	}
	defer func() { c.End(err) }()
	if r.ContentLength > e.MaxBody() {
		return route.TooLarge(e.MaxBody())
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.MaxBody()))
	if err != nil {
		return err
	}
	rq, err := schema.DecodeV2(body, schema.V2Limits{})
	if err != nil {
		return trimtab.Errorf(trimtab.Invalid, "request", "%s", err)
	}
	for _, o := range rq.Outputs {
		if o.Name != outputName {
			return trimtab.Errorf(trimtab.Invalid, "request", "output %q is unknown: the model has the one output %q", o.Name, outputName)
		}
	}
	if r.PathValue("version") != "" {
		c.Pin()
	}
	if err := c.Tensors(r.Context(), rq.Inputs, meta); err != nil {
		return err
	}
	out, err := response(e.Name, rq.ID, c)
	if err != nil {
		return err
	}
	version, variant := c.Headers()
	w.Header()[serve.VersionHeader] = version
	if variant != nil {
		w.Header()[serve.VariantHeader] = variant
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(out)))
	_, _ = w.Write(out) // a client that went away has no use for the error
	return nil
}

func response(name, id string, c *serve.Call) ([]byte, error) {
	m, n := c.Model(), c.Rows()
	datatype, typ := outputOf(m.Labels(), c.Float32())
	col := table.NewColumn(outputName, typ, n*m.Width())
	for i := range n {
		for _, v := range c.Row(i) {
			switch typ {
			case table.Int64:
				col.AppendInt64(int64(v))
			case table.Float32:
				col.AppendFloat32(float32(v))
			default:
				col.AppendFloat64(v)
			}
		}
	}
	version, _ := c.Headers()
	shape := []int64{int64(n)}
	if !m.Flat() {
		shape = append(shape, int64(m.Width()))
	}
	rs := schema.V2Response{ModelName: name, ModelVersion: version[0], ID: id,
		Outputs: []schema.Tensor{{Name: outputName, Datatype: datatype, Shape: shape, Data: col}}}
	b, err := rs.AppendJSON(make([]byte, 0, 128+20*n*m.Width()))
	if err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "request", "%s", err)
	}
	return b, nil
}

// WriteError writes an error as V2 has it: {"error": TEXT}.
func WriteError(w http.ResponseWriter, r *http.Request, err error) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	route.SetRetryAfter(h, err)
	w.WriteHeader(route.Status(err))
	if r.Method != http.MethodHead {
		b := append(schema.AppendString([]byte(`{"error":`), strings.TrimSpace(route.Message(err))), '}')
		_, _ = w.Write(b)
	}
}
