package monitor

import (
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/diagnose"
)

// TestNothingIsHeldWhereThatIsDeclared finds the fault all the same, says that its rows are learnt from, and holds none.
func TestNothingIsHeldWhereThatIsDeclared(t *testing.T) {
	f := diagnose.Finding{Kind: diagnose.Unit, Columns: []string{"wind"}, Begin: 5, Rows: 9, Bad: 9, Confidence: 0.97, Cause: "the unit changed"}
	for _, loose := range []bool{false, true} {
		e := examined{span: span{start: 1, end: 10}, at: 10, monitor: "m", endpoint: "e", confidence: 0.9, loose: loose, findings: []diagnose.Finding{f}}
		i := e.incident(f)
		if _, held := i.Held(); held == loose || i.Severity != trimtab.Critical {
			t.Errorf("loose %v: held %v, severity %s", loose, held, i.Severity)
		}
		if moves := e.moves([]trimtab.Incident{{ID: i.ID, Kind: trimtab.DataFault, Fault: f.Kind, Columns: f.Columns, Begin: 5}}); (len(moves) == 1) == loose {
			t.Errorf("loose %v: an open incident that only informed is moved %d times", loose, len(moves))
		}
	}
}
