package api_test

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/evaluate"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/api"
)

// modelShelf is a registry of two models: version 2 of flights was recalibrated from version 1, which a pipeline trained.
type modelShelf struct{}

func modelPages() api.ModelPages {
	return api.ModelPages{Finder: modelShelf{}, Files: modelShelf{}, Samples: modelShelf{}, Windows: modelShelf{}}
}

var shelved = []trimtab.ModelVersion{
	{Model: "flights", Version: 2, Status: "READY", Manifest: "sha256:2", Created: 2000, Tags: map[string]string{trimtab.ParentTag: "1"}},
	{Model: "flights", Version: 1, Status: "READY", Manifest: "sha256:1", Created: 1000, Run: "0123", Attempt: trimtab.NewAttemptID(aRun.ID, "a", 1), Aliases: []trimtab.Alias{"champion"}},
}

func (modelShelf) FindModels(_ context.Context, text string, limit int, after trimtab.PageToken) ([]trimtab.RegisteredModel, trimtab.PageToken, error) {
	if text != "" && !strings.Contains("flights", text) || after != "" {
		return nil, "", nil
	}
	return []trimtab.RegisteredModel{{Name: "flights", LastVersion: 2, Aliases: map[trimtab.Alias]trimtab.Version{"champion": 1}}}, "more", nil
}

func (modelShelf) FindVersions(_ context.Context, name trimtab.ModelName, limit int, after trimtab.PageToken) ([]trimtab.ModelVersion, trimtab.PageToken, error) {
	if after != "" {
		return shelved[1:], "", nil
	}
	return shelved[:min(limit, 2)], "rest", nil
}

func (modelShelf) Newest(context.Context, []trimtab.ModelName) (map[trimtab.ModelName][]trimtab.ModelVersion, error) {
	return map[trimtab.ModelName][]trimtab.ModelVersion{"flights": shelved[:1]}, nil
}

func (modelShelf) Version(_ context.Context, name trimtab.ModelName, v trimtab.Version) (trimtab.ModelVersion, error) {
	for _, x := range shelved {
		if x.Model == name && x.Version == v {
			return x, nil
		}
	}
	return trimtab.ModelVersion{}, trimtab.Errorf(trimtab.NotFound, "model version", "there is no version %d of %s", v, name)
}

func (modelShelf) Children(_ context.Context, _ trimtab.ModelName, v trimtab.Version) ([]trimtab.ModelVersion, error) {
	if v == 1 {
		return shelved[:1], nil
	}
	return nil, nil
}

func (modelShelf) Beside(_ context.Context, _ trimtab.ModelName, v trimtab.Version) (before, after trimtab.Version, err error) {
	if v == 1 {
		return 0, 2, nil
	}
	return 1, 0, nil
}

func (modelShelf) Manifest(context.Context, trimtab.Digest) (trimtab.Manifest, error) {
	return trimtab.Manifest{{Path: "MLmodel", Size: 100, Digest: "sha256:a"}, {Path: "model.txt", Size: 900, Digest: "sha256:b"}}, nil
}

func (modelShelf) Card(context.Context, trimtab.Manifest) (view.VersionCard, error) {
	return view.VersionCard{Flavor: "lightgbm (Booster)", Flavors: []string{"lightgbm"}}, nil
}

func (modelShelf) Lineage(_ context.Context, _ trimtab.ModelName, v trimtab.Version) (trimtab.Lineage, bool, error) {
	return trimtab.Lineage{Until: 5000, Run: aRun.ID, Snapshot: "sha256:c", Source: "flights"}, true, nil
}

func (modelShelf) Survey(_ context.Context, q evaluate.SampleRequest) (evaluate.Survey, error) {
	if q.Source == "all" {
		return evaluate.Survey{}, trimtab.Errorf(trimtab.Invalid, "rows", "rows %q", q.Source)
	}
	return evaluate.Survey{Source: evaluate.Answered, Endpoint: "flights", Why: "no window has matured"}, nil
}

func (modelShelf) Recent(_ context.Context, monitor string, _ trimtab.Time, limit int) ([]trimtab.WindowResult, error) {
	return []trimtab.WindowResult{{Monitor: monitor, Endpoint: "flights", Start: 1000, End: 2000, Rows: 10, Versions: []trimtab.Version{1}, Quality: []trimtab.Quality{{Metric: "auc", Value: 0.7, HasInterval: true, Lo: 0.6, Hi: 0.8}},
		Scores: []trimtab.VersionLoss{{Version: 1, Rows: 10, Loss: 0.5, Gain: 1}}}}, nil
}

func serves(all []view.ModelService, endpoint string) bool {
	return slices.ContainsFunc(all, func(s view.ModelService) bool { return s.Endpoint == endpoint })
}

// modelPages asks for what the pages of models read.
func (w *world) modelPages(t *testing.T) {
	list, status := answered[view.ModelCatalog](t, w, "catalog/models?limit=10")
	if status != 200 || len(list.Items) != 1 || list.Next != "more" || list.Items[0].Newest != 2000 || !serves(list.Items[0].Serves, "flights") {
		t.Errorf("models: %d %+v", status, list)
	}
	if none, _ := answered[view.ModelCatalog](t, w, "catalog/models?q=zebra"); len(none.Items) != 0 {
		t.Errorf("zebras: %+v", none)
	}
	page, status := answered[view.ModelPage](t, w, "catalog/models/flights")
	if status != 200 || page.Name != "flights" || !page.Declared || !serves(page.Services, "flights") || len(page.Versions.Items) != 2 || page.Versions.Next != "rest" {
		t.Errorf("model: %d %+v", status, page)
	}
	if v := page.Versions.Items; v[0].Origin != view.OriginRecalibrated || v[0].Parent != "flights/1" || v[1].Origin != view.OriginTrained || v[1].PipelineRun != aRun.ID || v[1].Step != "a" {
		t.Errorf("versions: %+v", v)
	}
	rest, _ := answered[view.VersionLines](t, w, "catalog/models/flights/versions?after="+url.QueryEscape(string(page.Versions.Next)))
	if len(rest.Items) != 1 || rest.Items[0].Version != 1 || rest.Next != "" {
		t.Errorf("the rest: %+v", rest)
	}
	one, status := answered[view.VersionPage](t, w, "catalog/models/flights/versions/1")
	if status != 200 || one.Line.Version != 1 || one.Bytes != 1000 || len(one.Files) != 2 || one.Card == nil || one.Card.Flavor != "lightgbm (Booster)" || one.After != 2 || one.Before != 0 || len(one.Children) != 1 {
		t.Errorf("version: %d %+v", status, one)
	}
	if l := one.Lineage; !l.Known || l.Until != 5000 || l.Pipeline != "train" || l.PipelineRun != aRun.ID || one.RunFacts == nil || one.RunFacts.Params["rounds"] != "200" {
		t.Errorf("lineage: %+v, run %+v", l, one.RunFacts)
	}
	if len(one.Reproduce) != 2 || one.Reproduce[0] != "trimtab pipeline run train" || one.Reproduce[1] != "mlflow artifacts download --artifact-uri models:/flights/1 --dst-path model" {
		t.Errorf("reproduce: %q", one.Reproduce)
	}
	p, status := answered[view.Performance](t, w, "catalog/models/flights/versions/1/performance")
	if status != 200 || p.Why != "no window has matured" || p.Rows.Source != evaluate.Answered || p.Metrics == nil {
		t.Errorf("performance: %d %+v", status, p)
	}
	for path, want := range map[string]int{
		"catalog/models/flights/versions/9":                       404,
		"catalog/models/flights/versions/x":                       400,
		"catalog/models/flights/versions/0":                       400,
		"catalog/models/flights/versions/1/performance?rows=all":  400,
		"catalog/models/flights/versions/1/performance?against=1": 400,
		"catalog/models?limit=100000":                             400,
	} {
		if _, status := answered[any](t, w, path); status != want {
			t.Errorf("%s: status %d, want %d", path, status, want)
		}
	}
}
