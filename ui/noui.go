//go:build noui

package ui

import "github.com/trimtab/trimtab/protocol/route"

// Routes is empty: this binary was built without pages.
func Routes() []route.Route { return nil }

// Built reports whether the pages are in the binary.
func Built() bool { return false }
