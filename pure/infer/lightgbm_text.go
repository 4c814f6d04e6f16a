package infer

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// lgbText is a LightGBM text model cut into its parts: key=value lines of the header and of each tree, the
// parameters, and the line of category lists that the Python package appends.
type lgbText struct {
	header     lgbSection
	trees      []lgbSection
	parameters map[string]string
	categories []byte // JSON, or nil
	catLine    int
}

// lgbSection is one run of key=value lines.
type lgbSection struct {
	line   int
	keys   map[string]lgbField
	alone  map[string]bool // words without "=", such as average_output
	number int             // of a tree
}

type lgbField struct {
	text string
	line int
}

func (s *lgbSection) field(key string) (lgbField, error) {
	f, ok := s.keys[key]
	if !ok {
		return f, &FormatError{Line: s.line, What: key + " is absent", Want: "a line " + key + "=..."}
	}
	return f, nil
}

func (s *lgbSection) integer(key string, low, high int) (int, error) {
	f, err := s.field(key)
	if err != nil {
		return 0, err
	}
	n, err := strconv.Atoi(f.text)
	if err != nil || n < low || n > high {
		return 0, &FormatError{Line: f.line, What: fmt.Sprintf("%s=%.40q", key, f.text), Want: fmt.Sprintf("a whole number from %d to %d", low, high)}
	}
	return n, nil
}

// array reads n numbers parted by spaces and gives each to put.
func (s *lgbSection) array(key string, n int, want string, put func(i int, token string) bool) error {
	f, err := s.field(key)
	if err != nil {
		return err
	}
	i := 0
	for token := range strings.FieldsSeq(f.text) {
		if i < n && !put(i, token) {
			return &FormatError{Line: f.line, What: fmt.Sprintf("%s: %.40q at place %d", key, token, i), Want: want}
		}
		i++
	}
	if i != n {
		return &FormatError{Line: f.line, What: fmt.Sprintf("%s of %d numbers", key, i), Want: strconv.Itoa(n)}
	}
	return nil
}

// sized checks that a key can hold n numbers, before n decides how much is allocated.
func (s *lgbSection) sized(key string, n int) error {
	f, err := s.field(key)
	if err == nil && n > len(f.text) {
		return &FormatError{Line: f.line, What: fmt.Sprintf("%s of %d bytes", key, len(f.text)), Want: fmt.Sprintf("%d numbers", n)}
	}
	return err
}

func (s *lgbSection) integers(key string, n int, low, high int64) ([]int64, error) {
	if err := s.sized(key, n); err != nil {
		return nil, err
	}
	out := make([]int64, n)
	return out, s.array(key, n, fmt.Sprintf("a whole number from %d to %d", low, high), func(i int, token string) bool {
		v, err := strconv.ParseInt(token, 10, 64)
		out[i] = v
		return err == nil && v >= low && v <= high
	})
}

func (s *lgbSection) float64s(key string, n int) ([]float64, error) {
	if err := s.sized(key, n); err != nil {
		return nil, err
	}
	out := make([]float64, n)
	return out, s.array(key, n, "a number", func(i int, token string) bool {
		switch {
		case token == "inf" || token == "-inf": // LightGBM writes the border of the last bin so
		case !numeric(token):
			return false
		}
		v, err := strconv.ParseFloat(token, 64)
		out[i] = v
		return err == nil
	})
}

// parseLGB cuts a text model into its sections.
func parseLGB(data []byte, limits Limits) (*lgbText, error) {
	t := &lgbText{parameters: map[string]string{}}
	const (
		inHeader = iota
		inTree
		inRest
		inParameters
	)
	state, line := inHeader, 0
	section := &t.header
	*section = lgbSection{line: 1, keys: map[string]lgbField{}, alone: map[string]bool{}}
	for len(data) > 0 {
		raw, rest, _ := bytes.Cut(data, []byte("\n"))
		data = rest
		line++
		raw = bytes.TrimSuffix(raw, []byte("\r"))
		key, text, pair := strings.Cut(string(raw), "=")
		switch {
		case len(raw) == 0:
		case bytes.HasPrefix(raw, []byte("pandas_categorical:")):
			t.categories, t.catLine = raw[len("pandas_categorical:"):], line
		case string(raw) == "end of trees":
			state = inRest
		case string(raw) == "parameters:":
			state = inParameters
		case string(raw) == "end of parameters":
			state = inRest
		case state == inParameters:
			// [key: value]
			if k, v, ok := strings.Cut(strings.Trim(string(raw), "[]"), ": "); ok {
				t.parameters[k] = v
			}
		case state == inRest:
		case pair && key == "Tree":
			n, err := strconv.Atoi(text)
			if err != nil || n != len(t.trees) {
				return nil, &FormatError{Line: line, What: fmt.Sprintf("Tree=%.40s", text), Want: fmt.Sprintf("Tree=%d", len(t.trees))}
			}
			if n >= limits.Trees {
				return nil, &FormatError{Line: line, What: fmt.Sprintf("tree %d", n), Want: fmt.Sprintf("at most %d trees", limits.Trees)}
			}
			state = inTree
			t.trees = append(t.trees, lgbSection{line: line, keys: map[string]lgbField{}, number: n})
			section = &t.trees[n]
		case pair:
			if _, twice := section.keys[key]; twice {
				return nil, &FormatError{Line: line, What: fmt.Sprintf("second %.40s", key), Want: "each key once"}
			}
			section.keys[key] = lgbField{text, line}
		case state == inHeader:
			section.alone[string(raw)] = true
		default:
			return nil, &FormatError{Line: line, What: fmt.Sprintf("%.40q", raw), Want: "key=value"}
		}
	}
	if state == inHeader || state == inTree {
		return nil, &FormatError{Line: line, What: "end of file", Want: "end of trees"}
	}
	return t, nil
}
