package profile

import "fmt"

// Error says what was wrong with a table, a stored profile or a question about them.
type Error struct {
	Column string // name of the column, "" when it is not about one
	Msg    string
}

// Error is one line.
func (e *Error) Error() string {
	if e.Column == "" {
		return "profile: " + e.Msg
	}
	return fmt.Sprintf("profile: column %q: %s", e.Column, e.Msg)
}

func fail(column, format string, args ...any) error {
	return &Error{Column: column, Msg: fmt.Sprintf(format, args...)}
}
