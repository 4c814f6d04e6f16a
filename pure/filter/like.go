package filter

import (
	"unicode"
	"unicode/utf8"
)

// Like is the pattern of LIKE and ILIKE: % stands for any characters, also
// none, _ for exactly one, everything else for itself. There is no escape
// character, so a store must switch off the one its engine has. LIKE compares
// exactly; ILIKE compares the lower-case forms of the characters, one by one.
// A pattern covers the whole text.
type Like struct {
	Pattern         string
	CaseInsensitive bool
}

// Match reports whether text fits the pattern. It allocates nothing and takes
// at most the product of the two lengths.
func (l Like) Match(text string) bool {
	pattern := l.Pattern
	// Where the last % was, and what of the text it has swallowed so far: the
	// only place to go back to, since a later % makes an earlier one redundant.
	var afterWild, swallowed string
	wild := false
	for {
		var r rune
		var size int
		if pattern != "" {
			r, size = utf8.DecodeRuneInString(pattern)
			if r == '%' {
				pattern = pattern[size:]
				if pattern == "" {
					return true
				}
				wild, afterWild, swallowed = true, pattern, text
				continue
			}
		}
		if text == "" {
			return pattern == ""
		}
		got, gotSize := utf8.DecodeRuneInString(text)
		if size > 0 && (r == '_' || l.same(r, size, got, gotSize, pattern, text)) {
			pattern, text = pattern[size:], text[gotSize:]
			continue
		}
		if !wild {
			return false
		}
		_, skip := utf8.DecodeRuneInString(swallowed)
		swallowed = swallowed[skip:]
		pattern, text = afterWild, swallowed
	}
}

func (l Like) same(r rune, size int, got rune, gotSize int, pattern, text string) bool {
	if r == utf8.RuneError || got == utf8.RuneError {
		return pattern[:size] == text[:gotSize] // bytes that are no characters
	}
	return r == got || l.CaseInsensitive && unicode.ToLower(r) == unicode.ToLower(got)
}
