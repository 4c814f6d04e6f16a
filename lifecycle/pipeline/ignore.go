package pipeline

import (
	"bufio"
	"bytes"
	"path"
	"strings"
)

// ignoreRules are the lines of the .gitignore files that count for a folder, the
// outermost file first; the last rule that matches decides.
type ignoreRules []ignoreRule

type ignoreRule struct {
	base     string // folder of the file, relative to the packed folder; "" for it and all above
	segments []string
	anchored bool // matches from base on, not at any depth
	folder   bool // matches folders only
	keep     bool // "!": takes back
}

// parseIgnore reads a .gitignore file. base is its folder below the packed one.
// prefix, for a file of a folder above, is where the packed folder lies below it:
// of its rules only those that can match inside are kept.
func parseIgnore(text []byte, base, prefix string) ignoreRules {
	var out ignoreRules
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		line := strings.TrimRight(strings.TrimSuffix(lines.Text(), "\r"), " ")
		if line == "" || line[0] == '#' {
			continue
		}
		r := ignoreRule{base: base}
		if rest, ok := strings.CutPrefix(line, "!"); ok {
			r.keep, line = true, rest
		}
		line = strings.TrimPrefix(line, "\\")
		if rest, ok := strings.CutSuffix(line, "/"); ok {
			r.folder, line = true, rest
		}
		r.anchored = strings.Contains(line, "/")
		line = strings.TrimPrefix(line, "/")
		if line == "" {
			continue
		}
		r.segments = strings.Split(line, "/")
		if r.anchored && prefix != "" {
			for _, part := range strings.Split(prefix, "/") {
				if len(r.segments) > 0 && r.segments[0] == "**" {
					break
				}
				if len(r.segments) < 2 {
					r.segments = nil
					break
				}
				if ok, _ := path.Match(r.segments[0], part); !ok {
					r.segments = nil
					break
				}
				r.segments = r.segments[1:]
			}
			if r.segments == nil {
				continue
			}
		}
		out = append(out, r)
	}
	return out
}

// match reports whether the path of the packed folder is left out.
func (rules ignoreRules) match(name string, folder bool) bool {
	ignored := false
	for _, r := range rules {
		if r.folder && !folder {
			continue
		}
		rel := name
		if r.base != "" {
			var below bool
			if rel, below = strings.CutPrefix(name, r.base+"/"); !below {
				continue
			}
		}
		parts := strings.Split(rel, "/")
		if !r.anchored {
			parts = parts[len(parts)-1:]
		}
		if matchSegments(r.segments, parts) {
			ignored = !r.keep
		}
	}
	return ignored
}

func matchSegments(pattern, parts []string) bool {
	for len(pattern) > 0 {
		if pattern[0] == "**" {
			for i := range len(parts) + 1 {
				if matchSegments(pattern[1:], parts[i:]) {
					return true
				}
			}
			return false
		}
		if len(parts) == 0 {
			return false
		}
		if ok, err := path.Match(pattern[0], parts[0]); !ok || err != nil {
			return false
		}
		pattern, parts = pattern[1:], parts[1:]
	}
	return len(parts) == 0
}
