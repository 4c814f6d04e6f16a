package serving

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

// FuzzLabels reads arbitrary bodies as labels: what is refused is Invalid, what is taken has ids.
func FuzzLabels(f *testing.F) {
	for _, s := range []string{`[{"id":"a","value":1,"known_at":"2013-01-01"}]`, `{"ids":["a"],"values":[null]}`, `{"labels":[]}`, "id,value\na,1\n", "--x\r\nContent-Disposition: form-data; name=\"labels\"\r\n\r\nid,value\na,1\r\n--x--"} {
		for kind := range byte(4) {
			f.Add(s, kind)
		}
	}
	f.Fuzz(func(t *testing.T, body string, kind byte) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", []string{"application/json", "text/csv", "multipart/form-data; boundary=x", "text/plain"}[kind%4])
		labels, err := readLabels(r)
		if err != nil {
			if !trimtab.IsKind(err, trimtab.Invalid) {
				t.Fatalf("%v", err)
			}
			return
		}
		for i, l := range labels {
			if l.ID == "" && kind%4 != 0 {
				t.Fatalf("label %d has no id", i)
			}
		}
	})
}
