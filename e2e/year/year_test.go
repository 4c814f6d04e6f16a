package year

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trimtab/trimtab/internal/testkit/postgres"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the transcripts under examples/flights/testdata")

// span is what is replayed, with the transcript that must come out of it.
type span struct {
	golden   string
	from, to string
	fault    string
}

var (
	spring = span{golden: "spring.txt", from: "2013-03-01", to: "2013-05-20"}
	year   = span{golden: "year.txt", from: "2013-03-01", to: "2014-01-01", fault: "unit wind_speed x1.609344 2013-10-10..2013-10-17"}
)

// variant is a way of replaying that must change nothing.
type variant struct {
	name     string
	batch    string // rows of a request; "": as configured by default
	kills    int    // of the server, at random moments
	postgres bool
}

func TestSpring(t *testing.T) {
	if testing.Short() {
		t.Skip("replays eighty days")
	}
	v := variant{name: "killed, other batches", batch: "211", kills: 3}
	if *rewrite {
		v = variant{name: "plain"}
	}
	play(t, spring, v)
}

func TestYear(t *testing.T) {
	if os.Getenv("TRIMTAB_YEAR") == "" {
		t.Skip("replays a year four times: set TRIMTAB_YEAR=1, or `make year`")
	}
	play(t, year,
		variant{name: "plain"},
		variant{name: "killed", kills: 12},
		variant{name: "other batches", batch: "137"},
		variant{name: "postgres", postgres: true})
}

// play replays a span in every variant: each must give the transcript of the
// repository, and the same answer to every single request.
func play(t *testing.T, s span, variants ...variant) {
	top := example(t)
	golden := filepath.Join(top, "testdata", s.golden)
	var first *told
	for _, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			database := ""
			if v.postgres {
				database = postgres.URL(t)
			}
			got := drive(t, top, s, v, database)
			if first != nil {
				if d := diff(first.text, got.text); d != "" {
					t.Errorf("the transcript is another one than that of the first variant:\n%s", d)
				}
				if first.answers != got.answers {
					t.Errorf("requests were answered in another way than in the first variant: digest %s, was %s", got.answers, first.answers)
				}
				return
			}
			first = got
			if *rewrite {
				if err := os.MkdirAll(filepath.Dir(golden), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got.text), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff(string(want), got.text); d != "" {
				t.Errorf("the transcript differs from %s (-rewrite writes it anew):\n%s", s.golden, d)
			}
		})
	}
}

// diff shows which lines differ, "" when none do.
func diff(want, got string) string {
	if want == got {
		return ""
	}
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}
