package keep

import "testing"

func TestLast(t *testing.T) {
	x := New[string, int](2)
	x.Put("a", 1)
	x.Put("b", 2)
	x.Put("a", 3) // again, which makes it no newer
	x.Put("c", 4)
	for k, want := range map[string]int{"a": 0, "b": 2, "c": 4} {
		if v, ok := x.Get(k); v != want || ok != (want != 0) {
			t.Errorf("%s: %d %v, want %d", k, v, ok, want)
		}
	}
	if len(x.kept) != 2 || len(x.order) != 2 {
		t.Errorf("%d values and %d keys are kept, want 2", len(x.kept), len(x.order))
	}
}
