package table

import "fmt"

// Type is the type of a column. The zero value is no type.
type Type uint8

// The column types. Datetime counts nanoseconds since the Unix epoch, UTC.
const (
	Bool Type = iota + 1
	Int32
	Int64
	Float32
	Float64
	String
	Bytes
	Datetime
)

var typeNames = [...]string{
	Bool: "bool", Int32: "int32", Int64: "int64", Float32: "float32",
	Float64: "float64", String: "string", Bytes: "bytes", Datetime: "datetime",
}

// String returns the type's name, "invalid" for a number that is no type.
func (t Type) String() string {
	if t.Known() {
		return typeNames[t]
	}
	return "invalid"
}

// Known reports whether t is one of the eight types.
func (t Type) Known() bool { return t >= Bool && t <= Datetime }

// Numeric reports whether values of t are numbers; booleans are not.
func (t Type) Numeric() bool { return t >= Int32 && t <= Float64 }

// ParseType returns the type with the given name as printed by String, or an error that lists the names.
func ParseType(name string) (Type, error) {
	for t := Bool; t <= Datetime; t++ {
		if typeNames[t] == name {
			return t, nil
		}
	}
	return 0, fmt.Errorf("table: no column type %q; expected one of %v", name, typeNames[Bool:])
}

// Field is the name and type of a column.
type Field struct {
	Name string
	Type Type
}
