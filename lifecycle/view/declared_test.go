package view

import (
	"testing"

	"github.com/trimtab/trimtab"
)

// What another manager than the source's changed is counted as changed, and with its source.
func TestDeclaredOf(t *testing.T) {
	live := []trimtab.Resource{
		{Kind: trimtab.KindModel, Name: "m", Manager: "cli", Inventory: "cli:examples/flights"},
		{Kind: trimtab.KindEndpoint, Name: "e", Manager: "ui", Inventory: "cli:examples/flights"},
		{Kind: trimtab.KindMonitor, Name: "q", Manager: "ui", Inventory: "ui:pages"},
	}
	if d := DeclaredOf(live); d != (OverviewDeclared{Resources: 3, Changed: 1}) {
		t.Errorf("declared: %+v", d)
	}
	if d := DeclaredOf(nil); d != (OverviewDeclared{}) {
		t.Errorf("nothing declared: %+v", d)
	}
	s := Sources(live)
	if len(s) != 2 || s[0].Inventory != "cli:examples/flights" || len(s[0].Drift) != 1 || s[0].Drift[0].Name != "e" {
		t.Errorf("sources: %+v", s)
	}
}
