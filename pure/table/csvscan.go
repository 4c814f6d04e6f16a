package table

import (
	"bytes"
	"io"
	"strconv"
)

// scanner splits a text into the records of RFC 4180: fields parted by a separator, lines ended by LF or CRLF, fields
// in double quotes may hold both and write a quote as two. It skips a byte order mark and empty lines. It is stricter
// than most: a quote inside an unquoted field and text behind a closing quote are errors, because every lenient
// reading of them changes data.
type scanner struct {
	r     io.Reader
	comma byte
	field int // most bytes of a field
	most  int // most fields of a record
	left  int64

	buf      []byte
	pos, end int
	err      error // of the reader

	line  int // line the next record begins on
	text  []byte
	ends  []int  // end of each field in text
	quote []bool // whether the field was quoted
}

func newScanner(r io.Reader, opt CSVOptions) *scanner {
	s := &scanner{r: r, comma: opt.Comma, field: opt.MaxFieldBytes, most: opt.MaxColumns, left: opt.MaxBytes, line: 1, buf: make([]byte, 64<<10)}
	s.fill()
	for s.end < 3 && s.fill() {
	}
	if bytes.HasPrefix(s.buf[:s.end], []byte("\xef\xbb\xbf")) {
		s.pos = 3
	}
	return s
}

// fill reads more behind what is there and reports whether it did. It keeps what has not been consumed only while the
// beginning is looked at; later all has been consumed when it is called.
func (s *scanner) fill() bool {
	if s.err != nil {
		return false
	}
	if s.pos == s.end {
		s.pos, s.end = 0, 0
	}
	for range 100 {
		n, err := s.r.Read(s.buf[s.end:])
		s.end += n
		s.left -= int64(n)
		s.err = err
		if s.left < 0 {
			s.err = &Error{Format: "csv", Line: s.line, Row: -1, Msg: "input is larger than the limit for it"}
		}
		if n > 0 || err != nil {
			return n > 0
		}
	}
	s.err = io.ErrNoProgress
	return false
}

func (s *scanner) fail(line int, msg string) error {
	return &Error{Format: "csv", Line: line, Row: -1, Msg: msg}
}

// next reads one record into text and ends, and returns the line it began on; io.EOF behind the last.
func (s *scanner) next() (int, error) {
	for {
		line, blank, err := s.record()
		if err != nil || !blank {
			return line, err
		}
	}
}

func (s *scanner) record() (line int, blank bool, err error) {
	s.text, s.ends, s.quote = s.text[:0], s.ends[:0], s.quote[:0]
	line = s.line
	if s.pos == s.end && !s.fill() {
		return line, false, s.stopped()
	}
	for {
		begin := len(s.text)
		quoted := false
		if s.pos < s.end || s.fill() {
			quoted = s.buf[s.pos] == '"'
		}
		var last bool
		if quoted {
			s.pos++
			last, err = s.quoted(begin)
		} else {
			last, err = s.plain(begin)
		}
		if err != nil {
			return line, false, err
		}
		if len(s.ends) == s.most {
			return line, false, s.fail(line, "more than "+strconv.Itoa(s.most)+" columns")
		}
		s.ends = append(s.ends, len(s.text))
		s.quote = append(s.quote, quoted)
		if last {
			return line, len(s.ends) == 1 && len(s.text) == 0 && !quoted, nil
		}
	}
}

// stopped returns why no more bytes come.
func (s *scanner) stopped() error {
	if s.err == nil || s.err == io.EOF {
		return io.EOF
	}
	return s.err
}

// plain reads an unquoted field and its end, and reports whether that ended the record.
func (s *scanner) plain(begin int) (bool, error) {
	for {
		b := s.buf[s.pos:s.end]
		for i, c := range b {
			switch c {
			case s.comma, '\n':
				s.text = append(s.text, b[:i]...)
				s.pos += i + 1
				if err := s.size(begin); err != nil {
					return false, err
				}
				if c == '\n' {
					s.line++
					if n := len(s.text); n > begin && s.text[n-1] == '\r' {
						s.text = s.text[:n-1]
					}
				}
				return c == '\n', nil
			case '"':
				return false, s.fail(s.line, `a quote inside an unquoted field; quote the whole field and write its quotes as ""`)
			}
		}
		s.text = append(s.text, b...)
		s.pos = s.end
		if err := s.size(begin); err != nil {
			return false, err
		}
		if !s.fill() {
			if err := s.stopped(); err != io.EOF {
				return false, err
			}
			if n := len(s.text); n > begin && s.text[n-1] == '\r' {
				s.text = s.text[:n-1]
			}
			return true, nil
		}
	}
}

// quoted reads a quoted field from behind its opening quote up to its end.
func (s *scanner) quoted(begin int) (bool, error) {
	opened := s.line
	for {
		b := s.buf[s.pos:s.end]
		i := bytes.IndexByte(b, '"')
		if i < 0 {
			i = len(b)
		}
		s.line += bytes.Count(b[:i], []byte{'\n'})
		s.text = append(s.text, b[:i]...)
		s.pos += i
		if err := s.size(begin); err != nil {
			return false, err
		}
		if s.pos == s.end {
			if !s.fill() {
				if err := s.stopped(); err != io.EOF {
					return false, err
				}
				return false, s.fail(opened, "a quoted field begins here and never ends")
			}
			continue
		}
		s.pos++
		c, more := s.byte()
		switch {
		case !more:
			if err := s.stopped(); err != io.EOF {
				return false, err
			}
			return true, nil
		case c == '"':
			s.text = append(s.text, '"')
		case c == s.comma:
			return false, nil
		case c == '\n':
			s.line++
			return true, nil
		case c == '\r':
			c, more = s.byte()
			if more && c == '\n' {
				s.line++
				return true, nil
			}
			if !more && s.stopped() == io.EOF {
				return true, nil
			}
			fallthrough
		default:
			return false, s.fail(s.line, "text behind the closing quote of a field")
		}
	}
}

func (s *scanner) byte() (byte, bool) {
	if s.pos == s.end && !s.fill() {
		return 0, false
	}
	s.pos++
	return s.buf[s.pos-1], true
}

func (s *scanner) size(begin int) error {
	if len(s.text)-begin > s.field {
		return s.fail(s.line, "a field of more than "+strconv.Itoa(s.field)+" bytes")
	}
	return nil
}

// at returns field i of the record; valid until the next.
func (s *scanner) at(i int) []byte {
	if i == 0 {
		return s.text[:s.ends[0]]
	}
	return s.text[s.ends[i-1]:s.ends[i]]
}
