package spec

import (
	"fmt"

	"github.com/trimtab/trimtab"
)

// Read reads declarations from a text that is no file here, as Load reads those of
// a file: the same rules, and the diagnostics name the text. Files that the
// declarations name are not looked for.
func Read(name string, data []byte, project trimtab.Workspace) (Set, Diagnostics) {
	l := &loader{opt: Options{Project: project, SkipFiles: true}, lines: map[string][]string{}}
	if l.opt.Project == "" {
		l.opt.Project = trimtab.DefaultWorkspace
	}
	if len(data) > MaxFileSize {
		l.fileProblem(name, fmt.Sprintf("the text has %d bytes", len(data)), fmt.Sprintf("at most %d bytes", MaxFileSize))
		return l.set, l.diagnostics
	}
	l.Source(name, ".", data)
	return l.finish([]string{name})
}
