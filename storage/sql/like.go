package sql

import (
	"database/sql/driver"

	"modernc.org/sqlite"

	"github.com/trimtab/trimtab/pure/filter"
)

// SQLite knows letters without case only within ASCII and bounds the length of
// its patterns, so the filter language's own matcher serves there.
func init() {
	register := func(name string, insensitive bool) {
		sqlite.MustRegisterDeterministicScalarFunction(name, 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			pattern, ok1 := args[0].(string)
			text, ok2 := args[1].(string)
			if !ok1 || !ok2 {
				return nil, nil
			}
			return filter.Like{Pattern: pattern, CaseInsensitive: insensitive}.Match(text), nil
		})
	}
	register("trimtab_like", false)
	register("trimtab_ilike", true)
}

// like appends a LIKE or ILIKE of the filter language, which has no escape character.
func (s *statement) like(expr, pattern string, insensitive bool) {
	switch {
	case s.engine == postgresEngine && insensitive:
		s.add(expr+` COLLATE "und-x-icu" ILIKE ? ESCAPE ''`, pattern)
	case s.engine == postgresEngine:
		s.add(expr+` LIKE ? ESCAPE ''`, pattern)
	case insensitive:
		s.add("trimtab_ilike(?, "+expr+")", pattern)
	case len(pattern) > 1000:
		s.add("trimtab_like(?, "+expr+")", pattern)
	default:
		s.add(expr+" LIKE ?", pattern)
	}
}
