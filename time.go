package trimtab

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Time is a moment in milliseconds since the Unix epoch, UTC. The zero value
// means "none". It is what MLflow sends and what the databases hold; in our own
// JSON and YAML it reads and writes RFC 3339.
type Time int64

// TimeOf converts a moment, truncating to milliseconds. The zero time.Time gives 0.
func TimeOf(t time.Time) Time {
	if t.IsZero() {
		return 0
	}
	return Time(t.UnixMilli())
}

// Go converts to a time.Time in UTC; 0 gives the zero time.Time.
func (t Time) Go() time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(t)).UTC()
}

// Add moves the time.
func (t Time) Add(d time.Duration) Time { return t + Time(d/time.Millisecond) }

// Sub returns t - u.
func (t Time) Sub(u Time) time.Duration { return time.Duration(t-u) * time.Millisecond }

func (t Time) String() string {
	if t == 0 {
		return ""
	}
	return t.Go().Format("2006-01-02T15:04:05.999Z07:00")
}

// ParseTime reads RFC 3339, a date, "YYYY-MM-DD HH:MM:SS" (UTC), or
// milliseconds since the epoch.
func ParseTime(s string) (Time, error) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return TimeOf(t), nil
		}
	}
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return Time(ms), nil
	}
	return 0, Errorf(Invalid, "time", "%q is no time: expected RFC 3339 such as 2013-03-01T00:00:00Z, a date such as 2013-03-01, or milliseconds since 1970", s)
}

func (t Time) MarshalJSON() ([]byte, error) { return json.Marshal(t.String()) }

func (t *Time) UnmarshalJSON(p []byte) error {
	var s string
	if err := json.Unmarshal(p, &s); err != nil {
		var ms int64
		if json.Unmarshal(p, &ms) != nil {
			return fmt.Errorf("time: expected RFC 3339 text, got %s", p)
		}
		*t = Time(ms)
		return nil
	}
	if s == "" {
		*t = 0
		return nil
	}
	v, err := ParseTime(s)
	*t = v
	return err
}

// Clock returns the present moment. It is a value so that tests decide it.
type Clock func() Time

// SystemClock is the machine's clock.
func SystemClock() Time { return TimeOf(time.Now()) }

// Duration is a span in specs and JSON, written like "90s", "15m", "6h", "7d" or
// "2w": a whole number with one unit, or Go's notation.
type Duration time.Duration

func (d Duration) String() string {
	v := time.Duration(d)
	day := 24 * time.Hour
	switch {
	case v == 0:
		return "0s"
	case v%(7*day) == 0:
		return strconv.FormatInt(int64(v/(7*day)), 10) + "w"
	case v%day == 0:
		return strconv.FormatInt(int64(v/day), 10) + "d"
	case v%time.Hour == 0:
		return strconv.FormatInt(int64(v/time.Hour), 10) + "h"
	case v%time.Minute == 0:
		return strconv.FormatInt(int64(v/time.Minute), 10) + "m"
	}
	return v.String()
}

// ParseDuration reads a Duration.
func ParseDuration(s string) (Duration, error) {
	if n := len(s); n > 1 {
		if unit := map[byte]time.Duration{'d': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[s[n-1]]; unit != 0 {
			v, err := strconv.ParseInt(s[:n-1], 10, 64)
			if err == nil && v <= int64(math.MaxInt64/unit) && v >= -int64(math.MaxInt64/unit) {
				return Duration(time.Duration(v) * unit), nil
			}
			if err == nil || errors.Is(err, strconv.ErrRange) {
				return 0, Errorf(Invalid, "duration", "%q is longer than 292 years", s)
			}
		}
	}
	v, err := time.ParseDuration(s)
	if err != nil {
		return 0, Errorf(Invalid, "duration", "%q is no duration: expected a number with a unit, such as 90s, 15m, 6h, 7d or 2w", s)
	}
	return Duration(v), nil
}

func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

func (d *Duration) UnmarshalText(p []byte) error {
	v, err := ParseDuration(string(p))
	*d = v
	return err
}
