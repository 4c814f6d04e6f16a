package trimtab

import "testing"

// An open incident can be acknowledged, by one person after the other; a closed one cannot.
func TestAcknowledge(t *testing.T) {
	open := Incident{ID: "x.drift", Kind: Drift, Endpoint: "x", Hold: true}
	seen, change, err := open.Acknowledge("ada", "asked the vendor")
	if err != nil || change.Action != "incident.acknowledge" || seen.AcknowledgedBy != "ada" || seen.Acknowledgement != "asked the vendor" || !seen.Hold || seen.Closed != 0 {
		t.Fatalf("%+v, %+v, %v", seen, change, err)
	}
	for _, again := range []string{"", "asked the vendor"} {
		if same, change, err := seen.Acknowledge("ada", again); err != nil || change.Action != "" || same.Acknowledgement != seen.Acknowledgement {
			t.Errorf("the same again, %q: %+v, %+v, %v", again, same, change, err)
		}
	}
	if other, change, err := seen.Acknowledge("ben", ""); err != nil || change.Action == "" || other.AcknowledgedBy != "ben" || other.Acknowledgement != "" {
		t.Errorf("another person: %+v, %+v, %v", other, change, err)
	}
	closed, _, _ := seen.Close(1000, 2000, "")
	if _, _, err := closed.Acknowledge("ben", ""); !IsKind(err, Precondition) {
		t.Errorf("a closed one: %v", err)
	}
	if closed.AcknowledgedBy != "ada" {
		t.Errorf("who looked after it is kept: %+v", closed)
	}
}
