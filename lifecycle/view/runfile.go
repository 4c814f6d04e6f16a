package view

import (
	"path"
	"strings"
)

// fileKinds are the endings of files that the pages show.
var fileKinds = kinds(map[string]string{
	"table":    "csv tsv",
	"image":    "png jpg jpeg gif webp svg",
	"html":     "html htm",
	"json":     "json ipynb geojson",
	"markdown": "md",
	"text":     "txt log err cfg conf ini properties toml yaml yml xml js ts py r sql sh rst jsonl ndjson lock diff patch go java css hocon prop",
})

var textNames = map[string]bool{"MLmodel": true, "MLproject": true, "Dockerfile": true, "Makefile": true, "LICENSE": true, "README": true}

func kinds(words map[string]string) map[string]string {
	out := map[string]string{}
	for kind, endings := range words {
		for ending := range strings.FieldsSeq(endings) {
			out[ending] = kind
		}
	}
	return out
}

// FileKind says by its name how a file can be shown: "table", "image", "html",
// "json", "markdown", "text", or "" for what can only be downloaded.
func FileKind(name string) string {
	base := path.Base(name)
	if textNames[base] {
		return "text"
	}
	return fileKinds[strings.ToLower(strings.TrimPrefix(path.Ext(base), "."))]
}
