package plan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/spec"
)

// server is the smallest thing that plans can be applied to.
type server struct {
	live  []trimtab.Resource
	facts Facts
	now   trimtab.Time
	uids  int
}

func (s *server) apply(t interface{ Fatal(...any) }, writes []trimtab.ResourceWrite) {
	for _, w := range writes {
		var live *trimtab.Resource
		i := slices.IndexFunc(s.live, func(r trimtab.Resource) bool { return r.Ref() == w.Resource.Ref() })
		if i >= 0 {
			live = &s.live[i]
		}
		s.uids++
		next, _, err := w.On(live, "uid-"+strconv.Itoa(s.uids), s.now)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case next == nil:
			s.live = slices.Delete(s.live, i, i+1)
		case i >= 0:
			s.live[i] = *next
		default:
			s.live = append(s.live, *next)
		}
	}
}

func declare(t *testing.T, text string) []trimtab.Resource {
	t.Helper()
	if strings.TrimSpace(text) == "" {
		return nil
	}
	path := filepath.Join(t.TempDir(), "declared.yaml")
	// Transcripts leave out the line that every document has.
	text = strings.ReplaceAll("---\n"+text, "---\n", "---\napiVersion: "+trimtab.APIVersion+"\n")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set, ds := spec.Load([]string{path}, spec.Options{SkipFiles: true})
	if ds.HasErrors() {
		t.Fatal(ds.Error())
	}
	return set.Resources()
}

// TestTranscripts runs testdata/*.txt. A block is
//
//	=== command [key=value …]
//	input
//	--- output
//	what is printed
//
// Commands: plan and apply declare the input (with prune, manager, inventory);
// delete plans the removal of the addresses in the input and applies it; facts
// sets facts from JSON; live prints what the server holds. REWRITE=1 writes the
// outputs anew.
func TestTranscripts(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txt")
	if len(files) == 0 {
		t.Fatal("no transcripts")
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := strings.Split("\n"+string(raw), "\n=== ")
			var out strings.Builder
			out.WriteString(strings.TrimPrefix(parts[0], "\n"))
			s := &server{now: 1362096000000}
			for _, block := range parts[1:] {
				head, _, _ := strings.Cut(block, "\n--- output")
				command, input, _ := strings.Cut(head, "\n")
				if out.Len() > 0 && !strings.HasSuffix(out.String(), "\n") {
					out.WriteByte('\n')
				}
				fmt.Fprintf(&out, "=== %s\n--- output\n%s", head, s.run(t, command, input))
				s.now += 3_600_000
			}
			if os.Getenv("REWRITE") != "" {
				if err := os.WriteFile(file, []byte(out.String()), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(raw), out.String()); diff != "" {
				t.Errorf("REWRITE=1 writes the transcript anew:\n%s", diff)
			}
		})
	}
}

func (s *server) run(t *testing.T, line, input string) string {
	words := strings.Fields(line)
	opt := Options{Workspace: "default", Manager: "cli", Inventory: "cli:a"}
	for _, w := range words[1:] {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "prune":
			opt.Prune = true
		case "manager":
			opt.Manager = value
		case "inventory":
			opt.Inventory = value
		default:
			t.Fatalf("unknown argument %q", w)
		}
	}
	var b bytes.Buffer
	switch words[0] {
	case "facts":
		if err := json.Unmarshal([]byte(input), &s.facts); err != nil {
			t.Fatal(err)
		}
	case "plan", "apply":
		desired := declare(t, input)
		p := Diff(desired, s.live, s.facts, opt)
		if err := p.Write(&b, nil); err != nil {
			t.Fatal(err)
		}
		if words[0] == "apply" {
			s.apply(t, p.Writes(desired))
			if again := Diff(desired, s.live, s.facts, opt); !again.Empty() {
				t.Errorf("%s: the plan after the apply is not empty: %+v", line, again.Actions)
			}
		}
	case "delete":
		var refs []trimtab.Object
		for ref := range strings.FieldsSeq(input) {
			kind, name, _ := strings.Cut(ref, "/")
			full, _, _ := spec.Kind(kind)
			refs = append(refs, trimtab.Object{Kind: full, Name: name})
		}
		p, err := Removal(refs, s.live, s.facts, opt)
		if err != nil {
			return "error: " + trimtab.Message(err) + "\n"
		}
		if err := p.Write(&b, nil); err != nil {
			t.Fatal(err)
		}
		s.apply(t, p.Writes(nil))
	case "live":
		for _, r := range s.live {
			fmt.Fprintf(&b, "%s generation %d by %s in %s\n", r.Ref(), r.Generation, r.Manager, r.Inventory)
		}
	default:
		t.Fatalf("unknown command %q", words[0])
	}
	return b.String()
}

// generator draws sets of declarations.
func generator() *rapid.Generator[[]trimtab.Resource] {
	return rapid.Custom(func(t *rapid.T) []trimtab.Resource {
		var out []trimtab.Resource
		add := func(kind, name string, s any) {
			raw, err := spec.Canonical(kind, name, s)
			if err != nil {
				t.Fatal(err)
			}
			r := trimtab.Resource{Workspace: "default", Kind: kind, Name: name, Spec: raw}
			if rapid.Bool().Draw(t, "labelled") {
				r.Labels = map[string]string{"a": rapid.SampledFrom([]string{"x", "y"}).Draw(t, "label")}
			}
			out = append(out, r)
		}
		name := rapid.SampledFrom([]string{"a", "b"})
		for _, n := range []string{"a", "b"} {
			if rapid.Bool().Draw(t, "source") {
				add(trimtab.KindDataSource, n, &trimtab.SourceSpec{Path: "x.csv", Key: rapid.SliceOfN(rapid.SampledFrom([]string{"id", "k"}), 1, 2).Draw(t, "key"), EventTime: "t", Digest: trimtab.DigestOf([]byte(rapid.SampledFrom([]string{"1", "2"}).Draw(t, "data")))})
			}
			if rapid.Bool().Draw(t, "model") {
				add(trimtab.KindModel, n, &trimtab.ModelSpec{Task: rapid.SampledFrom([]string{"", "binary"}).Draw(t, "task")})
			}
			if rapid.Bool().Draw(t, "pipeline") {
				p := &trimtab.PipelineSpec{Params: map[string]string{"p": name.Draw(t, "param")}, Experiment: rapid.SampledFrom([]string{"", n, "z"}).Draw(t, "experiment")}
				for i := range rapid.IntRange(1, 3).Draw(t, "steps") {
					p.Steps = append(p.Steps, trimtab.StepSpec{Name: "s" + strconv.Itoa(i), Run: "echo {{ params.p }} " + name.Draw(t, "word")})
				}
				if rapid.Bool().Draw(t, "turned") {
					slices.Reverse(p.Steps)
				}
				add(trimtab.KindPipeline, n, p)
			}
			if rapid.Bool().Draw(t, "endpoint") {
				add(trimtab.KindEndpoint, n, &trimtab.EndpointSpec{Model: trimtab.EndpointModel{Name: trimtab.ModelName(name.Draw(t, "served")), Alias: trimtab.Alias(rapid.SampledFrom([]string{"", "champion", "blue"}).Draw(t, "alias"))}})
			}
			if rapid.Bool().Draw(t, "monitor") {
				add(trimtab.KindMonitor, n, &trimtab.MonitorSpec{Endpoint: name.Draw(t, "watched"), Window: rapid.SampledFrom([]trimtab.Window{"1d", "month"}).Draw(t, "window")})
			}
		}
		return out
	})
}

// The plan after an apply is empty, whatever was there before and whoever
// applied it; and nothing outside of the inventory is deleted.
func TestPlanAfterApplyIsEmpty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &server{now: 1}
		for range rapid.IntRange(1, 4).Draw(t, "applies") {
			desired := generator().Draw(t, "declared")
			opt := Options{Workspace: "default", Manager: rapid.SampledFrom([]string{"cli", "ui"}).Draw(t, "manager"),
				Inventory: rapid.SampledFrom([]string{"cli:a", "cli:b"}).Draw(t, "inventory"), Prune: rapid.Bool().Draw(t, "prune")}
			before := slices.Clone(s.live)
			p := Diff(desired, s.live, s.facts, opt)
			if q := Diff(desired, before, s.facts, opt); q.Digest != p.Digest {
				t.Fatal("the same input gave two plans")
			}
			s.apply(t, p.Writes(desired))
			if again := Diff(desired, s.live, s.facts, opt); !again.Empty() {
				t.Fatalf("after the apply: %+v", again.Actions)
			}
			for _, r := range before {
				gone := !slices.ContainsFunc(s.live, func(x trimtab.Resource) bool { return x.Ref() == r.Ref() })
				if gone && (r.Inventory != opt.Inventory || !opt.Prune) {
					t.Fatalf("%s of %s was deleted by %+v", r.Ref(), r.Inventory, opt)
				}
			}
			if !p.Empty() {
				if why := Stale(p, Diff(desired, s.live, s.facts, opt)); why == "" {
					t.Fatal("a stale plan gives no reason")
				}
			}
		}
	})
}
