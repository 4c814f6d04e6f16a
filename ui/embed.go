//go:build !noui

package ui

import (
	"embed"
	"io/fs"

	"github.com/trimtab/trimtab/protocol/route"
)

// dist is what ui/build.mjs made; nothing but .gitkeep when it has not run.
//
//go:embed all:dist
var dist embed.FS

//go:embed placeholder/index.html
var placeholder []byte

// Routes are the routes of the pages. A build of the pages that cannot be read
// is a defect of the binary and panics.
func Routes() []route.Route {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		panic("ui: " + err.Error())
	}
	s, err := load(built, placeholder)
	if err != nil {
		panic("ui: " + err.Error())
	}
	return s.routes()
}

// Built reports whether the pages are in the binary; false for the placeholder.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}
