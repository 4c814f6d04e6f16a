package spec

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/trimtab/trimtab"
)

// Ref is a name that a spec takes from another declaration.
type Ref struct {
	Path string // where in the document
	Kind string
	Name string
}

// Refs lists what a spec (a pointer as New gives it) refers to.
func Refs(s any) []Ref {
	var out []Ref
	add := func(path, kind, name string) {
		if name != "" {
			out = append(out, Ref{Path: path, Kind: kind, Name: name})
		}
	}
	switch v := s.(type) {
	case *trimtab.EndpointSpec:
		add("spec.model.name", trimtab.KindModel, string(v.Model.Name))
	case *trimtab.MonitorSpec:
		add("spec.endpoint", trimtab.KindEndpoint, v.Endpoint)
	case *trimtab.DataContractSpec:
		add("spec.source", trimtab.KindDataSource, v.Source)
		add("spec.endpoint", trimtab.KindEndpoint, v.Endpoint)
	case *trimtab.EvaluationSuiteSpec:
		add("spec.model", trimtab.KindModel, string(v.Model))
		add("spec.monitor", trimtab.KindMonitor, v.Monitor)
		if v.Golden != nil {
			add("spec.golden.source", trimtab.KindDataSource, v.Golden.Source)
		}
	case *trimtab.RetrainPolicySpec:
		add("spec.monitor", trimtab.KindMonitor, v.Monitor)
		add("spec.pipeline", trimtab.KindPipeline, v.Pipeline)
		add("spec.gate", trimtab.KindEvaluationSuite, v.Gate)
	case *trimtab.SourceSpec:
		add("spec.endpoint", trimtab.KindEndpoint, v.Endpoint)
	case *trimtab.PipelineSpec:
		for i, st := range v.Steps {
			if st.Dataset != nil {
				add(fmt.Sprintf("spec.steps[%d].dataset.source", i), trimtab.KindDataSource, st.Dataset.Source)
				add(fmt.Sprintf("spec.steps[%d].dataset.served", i), trimtab.KindDataSource, st.Dataset.Served)
			}
			if st.Promote != nil {
				add(fmt.Sprintf("spec.steps[%d].promote.model", i), trimtab.KindModel, string(st.Promote.Model))
			}
		}
	}
	return out
}

// crossCheck compares references with the declarations of the set. A name that
// the set does not declare may exist on the server, so only a near miss of a
// declared name is reported, and as a warning.
func (l *loader) crossCheck() {
	declared := map[string][]string{}
	for _, d := range l.set.Documents {
		key := string(d.Resource.Workspace) + "/" + d.Resource.Kind
		declared[key] = append(declared[key], d.Resource.Name)
	}
	for _, d := range l.set.Documents {
		for _, ref := range Refs(d.Spec) {
			names := declared[string(d.Resource.Workspace)+"/"+ref.Kind]
			found := false
			for _, n := range names {
				found = found || n == ref.Name
			}
			if meant := trimtab.Nearest(ref.Name, names); !found && meant != "" {
				l.add(Diagnostic{Severity: SevWarning, Path: ref.Path, DidYouMean: meant,
					Summary: fmt.Sprintf("%s %q is not declared here", strings.ToLower(ref.Kind), ref.Name)}, d.File, d.place(ref.Path))
			}
		}
	}
}

// files checks that the local files of a spec exist; paths are relative to dir.
func (c *checker) files(dir string, s any) {
	switch v := s.(type) {
	case *trimtab.SourceSpec:
		if v.Path == "" {
			return
		}
		info, err := os.Stat(Local(dir, v.Path))
		switch {
		case err != nil:
			c.problem("spec.path", fmt.Sprintf("file %q can not be read: %s", v.Path, reason(err)), "a CSV or Parquet file, its path relative to the declaration", "")
		case info.IsDir():
			c.problem("spec.path", fmt.Sprintf("%q is a folder", v.Path), "one CSV or Parquet file", "")
		}
	case *trimtab.PipelineSpec:
		if v.Code == nil || v.Code.Path == "" {
			return
		}
		info, err := os.Stat(Local(dir, v.Code.Path))
		switch {
		case err != nil:
			c.problem("spec.code.path", fmt.Sprintf("folder %q can not be read: %s", v.Code.Path, reason(err)), "the folder of the code, its path relative to the declaration", "")
			return
		case !info.IsDir():
			c.problem("spec.code.path", fmt.Sprintf("%q is a file", v.Code.Path), "the folder of the code", "")
			return
		}
		if v.Env != nil && v.Env.Lock != "" {
			if !filepath.IsLocal(filepath.FromSlash(v.Env.Lock)) {
				c.problem("spec.env.lock", fmt.Sprintf("%q leads out of the code folder", v.Env.Lock), "a path inside the code folder", "")
			} else if _, err := os.Stat(filepath.Join(Local(dir, v.Code.Path), filepath.FromSlash(v.Env.Lock))); err != nil {
				c.problem("spec.env.lock", fmt.Sprintf("%q can not be read: %s", v.Env.Lock, reason(err)), "the lock file, its path relative to the code folder", "")
			}
		}
	}
}

// Local resolves a path of a declaration in folder dir.
func Local(dir, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// Digests lists the objects that a spec (a pointer as New gives it) names.
func Digests(s any) []trimtab.Digest {
	switch v := s.(type) {
	case *trimtab.SourceSpec:
		if v.Digest != "" {
			return []trimtab.Digest{v.Digest}
		}
	case *trimtab.PipelineSpec:
		if v.Code != nil && v.Code.Digest != "" {
			return []trimtab.Digest{v.Code.Digest}
		}
	}
	return nil
}
