package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trimtab/trimtab/lifecycle/view"
)

func TestTypesAreUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := write(&want, roots...); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../src/api_gen.ts")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("ui/src/api_gen.ts differs from the Go structs: go run ./ui/gen > ui/src/api_gen.ts")
	}
}

func TestRefusals(t *testing.T) {
	for _, tc := range []struct {
		value any
		want  string
	}{
		{struct{ A string }{}, "has no name in JSON"},
		{struct {
			A any `json:"a"`
		}{}, "no counterpart"},
		{struct {
			A map[int]string `json:"a"`
		}{}, "no counterpart"},
		{struct {
			A json.RawMessage `json:"a"`
		}{}, "encodes itself"},
		{struct {
			A view.Model         `json:"a"`
			B view.OverviewModel `json:"b"`
		}{}, "view.Model and view.OverviewModel would both be Model"},
	} {
		if err := write(&bytes.Buffer{}, tc.value); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%T: %v, want %q", tc.value, err, tc.want)
		}
	}
}

// TestCannedAnswers: the answers with which the browser tests show rare states
// are answers that the server could give.
func TestCannedAnswers(t *testing.T) {
	files, err := filepath.Glob("../../e2e/browser/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no answers: %v", err)
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		var o view.Overview
		if err := dec.Decode(&o); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(again), `:null`) && !strings.Contains(string(raw), "null") {
			t.Errorf("%s: a list is missing", name)
		}
	}
}
