package cli

import (
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
)

func TestModelVersion(t *testing.T) {
	for text, want := range map[string]struct {
		name    trimtab.ModelName
		version trimtab.Version
	}{
		"models:/flights/3":   {"flights", 3},
		"models:/a/b/12":      {"a/b", 12},
		"models://flights/3":  {"flights", 3},
		"flights/3":           {},
		"models:/flights":     {},
		"models:/flights/":    {},
		"models:/flights/0":   {},
		"models:/flights/two": {},
		"models:/3":           {},
		"models:/":            {},
	} {
		name, version, err := modelVersion(t.Context(), nil, text)
		if name != want.name || version != want.version || (err == nil) != (want.version != 0) {
			t.Errorf("%s: %s, %d, %v", text, name, version, err)
		}
		if err != nil && !strings.Contains(err.Error(), "expected models:/NAME/VERSION or models:/NAME@ALIAS") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
