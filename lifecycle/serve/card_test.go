package serve

import (
	"strings"
	"testing"
)

func TestReadCard(t *testing.T) {
	inputs := `[{"type": "double", "name": "a"}, {"type": "double", "name": "b"}, {"type": "double", "name": "c"}, {"type": "double", "name": "d"}, {"type": "double", "name": "e"}, {"type": "double", "name": "f", "required": false}]`
	good := xgboost(golden(t, "xgboost-2.1.4/logistic"), "xgboost.core.Booster", inputs)
	c, err := ReadCard(t.Context(), files(good))
	if err != nil {
		t.Fatal(err)
	}
	if c.Flavor != "xgboost (Booster)" || c.NotServed != "" || c.Library != "2.1.4" || c.MLflow != "3.17.2" || c.Python != "3.11.2" || c.Classes != 2 || c.Objective != "binary:logistic" {
		t.Errorf("%+v", c)
	}
	if len(c.Signature.Inputs.Columns) != 6 || len(c.Importances) != 6 || c.Importances[0].Name != "a" || c.Importances[0].Gain <= 0 || c.NoImportance != "" {
		t.Errorf("%+v", c)
	}
	if !strings.Contains(c.Requirements, "xgboost==2.1.4") || strings.Join(c.Flavors, " ") != "python_function xgboost" {
		t.Errorf("%q, %q", c.Requirements, c.Flavors)
	}
	for name, change := range map[string]struct {
		of   func(m map[string]string)
		want func(c Card) string
		says string
	}{
		"another flavor": {func(m map[string]string) {
			m["MLmodel"] = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n"
		}, func(c Card) string { return c.NotServed }, "flavor sklearn is not served natively"},
		"no file":     {func(m map[string]string) { delete(m, "model.ubj") }, func(c Card) string { return c.NotServed }, "which is not there"},
		"a torn file": {func(m map[string]string) { m["model.ubj"] = m["model.ubj"][:2000] }, func(c Card) string { return c.NotServed }, "cannot be loaded"},
		"a bad signature": {func(m map[string]string) {
			m["MLmodel"] = strings.Replace(m["MLmodel"], `"double", "name": "a"`, `"duck", "name": "a"`, 1)
		}, func(c Card) string { return c.BadSignature }, "duck"},
		"without requirement": {func(m map[string]string) { delete(m, "requirements.txt") }, func(c Card) string { return c.Library }, "2.1.4"},
	} {
		t.Run(name, func(t *testing.T) {
			m := map[string]string{}
			for k, v := range good {
				m[k] = v
			}
			change.of(m)
			c, err := ReadCard(t.Context(), files(m))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(change.want(c), change.says) {
				t.Errorf("%q, want %q: %+v", change.want(c), change.says, c)
			}
			if len(c.Importances) == 0 && c.NoImportance == "" {
				t.Error("there are no importances and nobody says why")
			}
		})
	}
	if _, err := ReadCard(t.Context(), files(nil)); err == nil || !strings.Contains(err.Error(), "no file MLmodel") {
		t.Errorf("%v", err)
	}
}
