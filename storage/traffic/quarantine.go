package traffic

import (
	"encoding/binary"
	"slices"
)

// MaxRule bounds the name of a quarantine rule in bytes.
const MaxRule = 512

// maxRules bounds the distinct rules of one frame.
const maxRules = maxRows

// quarantined reports whether any of the given rows is quarantined.
func (b *Batch) quarantined(rows []int) bool {
	if b.Quarantine == nil {
		return false
	}
	return slices.ContainsFunc(rows, func(i int) bool { return b.Quarantine[i] != "" })
}

// appendRules writes the distinct rules of the rows in the order in which they
// appear, then of each row the number of its rule, 0 for none.
func appendRules(dst []byte, rules []string, rows []int) []byte {
	numbers := map[string]uint64{"": 0}
	var names []string
	for _, i := range rows {
		if _, ok := numbers[rules[i]]; !ok {
			names = append(names, rules[i])
			numbers[rules[i]] = uint64(len(names))
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(names)))
	for _, name := range names {
		dst = appendText(dst, name)
	}
	for _, i := range rows {
		dst = binary.AppendUvarint(dst, numbers[rules[i]])
	}
	return dst
}

// quarantine reads what appendRules wrote.
func (d *decoder) quarantine(names []string, of []int, rows int) ([]string, []int) {
	n := d.uvarint(maxRules, "the number of quarantine rules")
	names = append(names, "")
	for range n {
		name := d.text(MaxRule, "a quarantine rule")
		if d.err == nil && len(name) == 0 {
			d.fail("a quarantine rule has no name")
		}
		if d.err != nil {
			return names, of
		}
		names = append(names, string(name))
	}
	for range rows {
		of = append(of, d.uvarint(uint64(n), "the number of a row's quarantine rule"))
		if d.err != nil {
			return names, of
		}
	}
	return names, of
}

// rule is the rule that quarantines row i, "" for none.
func (r *record) rule(i int) string {
	if len(r.ruled) == 0 {
		return ""
	}
	return r.rules[r.ruled[i]]
}
