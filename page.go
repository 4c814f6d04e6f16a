package trimtab

import (
	"encoding/base64"
	"encoding/json"
)

// PageToken is the place after which a listing goes on: opaque to clients,
// inside a list of key values in the order of the listing. "" is the beginning.
type PageToken string

// NewPageToken encodes key values; scope binds the token to one query, so that
// it cannot be used with another.
func NewPageToken(scope string, keys ...any) PageToken {
	b, err := json.Marshal(struct {
		S string `json:"s,omitempty"`
		K []any  `json:"k"`
	}{scope, keys})
	if err != nil {
		panic("trimtab: page keys must encode as JSON: " + err.Error())
	}
	return PageToken(base64.RawURLEncoding.EncodeToString(b))
}

// Keys decodes the token into pointers, one per key value. A token of another
// scope, of another shape or tampered with is Invalid.
func (t PageToken) Keys(scope string, into ...any) error {
	bad := Errorf(Invalid, "page token", "Invalid page token: it was not given by this query; ask for the first page again")
	raw, err := base64.RawURLEncoding.DecodeString(string(t))
	if err != nil {
		return bad
	}
	var v struct {
		S string            `json:"s"`
		K []json.RawMessage `json:"k"`
	}
	if json.Unmarshal(raw, &v) != nil || v.S != scope || len(v.K) != len(into) {
		return bad
	}
	for i, p := range into {
		if json.Unmarshal(v.K[i], p) != nil {
			return bad
		}
	}
	return nil
}
