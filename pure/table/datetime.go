package table

import (
	"errors"
	"math"
	"time"
)

var errDatetime = errors.New("expected a date and time as 2013-03-01T07:05:00Z, with or without fraction and zone, between the years 1678 and 2262")

// ParseDatetime reads ISO 8601 as pandas prints it: a date, optionally followed by 'T' or a blank and hh:mm[:ss[.fff]],
// optionally followed by Z, ±hh, ±hhmm or ±hh:mm. Without a zone it is UTC. The result counts nanoseconds since the
// Unix epoch; more than nine digits of a fraction are an error because they could not be kept.
func ParseDatetime(s string) (int64, error) {
	p := scan{s: s}
	year, month, day := p.digits(4), p.sep('-').digits(2), p.sep('-').digits(2)
	var hour, minute, second, nano, offset int
	if !p.done() {
		if !p.accept('T') && !p.accept(' ') {
			return 0, errDatetime
		}
		hour, minute = p.digits(2), p.sep(':').digits(2)
		if p.accept(':') {
			second = p.digits(2)
			if p.accept('.') {
				nano = p.fraction()
			}
		}
		switch {
		case p.done():
		case p.accept('Z'):
		case p.peek() == '+' || p.peek() == '-':
			sign := 1
			if p.peek() == '-' {
				sign = -1
			}
			p.i++
			h, m := p.digits(2), 0
			if !p.done() {
				p.accept(':')
				m = p.digits(2)
			}
			if h > 23 || m > 59 {
				return 0, errDatetime
			}
			offset = sign * (h*3600 + m*60)
		}
	}
	if p.bad || !p.done() || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return 0, errDatetime
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	if t.Day() != day {
		return 0, errDatetime // the 30th of February
	}
	return nanoseconds(t.Unix()-int64(offset), int64(nano))
}

// nanoseconds joins seconds and nanoseconds, refusing what an int64 cannot hold. The smallest int64 is refused too:
// numpy and pandas use it as "not a time".
func nanoseconds(sec, nano int64) (int64, error) {
	const most = math.MaxInt64 / 1_000_000_000
	if sec > most || sec < -most {
		return 0, errDatetime
	}
	v := sec * 1_000_000_000
	if nano > 0 && v > math.MaxInt64-nano {
		return 0, errDatetime
	}
	return v + nano, nil
}

// AppendDatetime appends a datetime in RFC 3339 with as many digits of the fraction as it needs, in UTC.
func AppendDatetime(b []byte, ns int64) []byte {
	return time.Unix(0, ns).UTC().AppendFormat(b, time.RFC3339Nano)
}

// scan walks over a text; after the first mismatch bad is set and all results are void.
type scan struct {
	s   string
	i   int
	bad bool
}

func (p *scan) done() bool { return p.i >= len(p.s) }

func (p *scan) peek() byte {
	if p.done() {
		return 0
	}
	return p.s[p.i]
}

func (p *scan) accept(c byte) bool {
	if p.peek() != c || p.done() {
		return false
	}
	p.i++
	return true
}

func (p *scan) sep(c byte) *scan {
	if !p.accept(c) {
		p.bad = true
	}
	return p
}

func (p *scan) digits(n int) int {
	v := 0
	for range n {
		c := p.peek()
		if c < '0' || c > '9' {
			p.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
		p.i++
	}
	return v
}

func (p *scan) fraction() int {
	v, n := 0, 0
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		if n == 9 {
			p.bad = true
			return 0
		}
		v = v*10 + int(c-'0')
		n++
		p.i++
	}
	if n == 0 {
		p.bad = true
	}
	for ; n < 9; n++ {
		v *= 10
	}
	return v
}
