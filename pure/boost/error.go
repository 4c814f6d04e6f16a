package boost

import "fmt"

// InputError says that data or options cannot be used for a fit or a prediction.
type InputError struct {
	What string // what was found, and where
	Want string // what belongs there
}

func (e *InputError) Error() string { return fmt.Sprintf("boost: %s, want %s", e.What, e.Want) }

// FormatError says that bytes are not an encoded model, or one beyond the limits.
type FormatError struct {
	Offset int    // of the byte at which reading ended
	What   string // what was found
	Want   string // what belongs there
}

func (e *FormatError) Error() string {
	return fmt.Sprintf("boost: malformed model: offset %d: %s, want %s", e.Offset, e.What, e.Want)
}

func bad(want, format string, args ...any) error {
	return &InputError{What: fmt.Sprintf(format, args...), Want: want}
}
