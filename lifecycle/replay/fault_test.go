package replay

import (
	"cmp"
	"flag"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
)

var rewrite = flag.Bool("rewrite", false, "write the transcripts anew instead of comparing")

// TestFaults plays the transcripts of testdata/fault over the rows and labels of
// testdata/rows.csv: blocks of commands, a line of four dashes, what is printed,
// and a blank line. Commands:
//
//	fault TEXT        one more fault of this block
//	key COLUMN        the endpoint's own column of request ids
//	send [COLUMN...]  prints the rows as they are sent: id, event time, moment when that is another, columns
//	labels            prints the labels as they are sent
//	reach             prints what each fault hits
//	check             prints what is wrong with the faults
//
// Whatever is sent is sent again in batches of every size and from every moment
// on, as after a kill: it has to be the same.
func TestFaults(t *testing.T) {
	files, err := filepath.Glob("testdata/fault/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			for block := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n\n") {
				commands, want, ok := strings.Cut(block+"\n", "----\n")
				if !ok && strings.HasPrefix(block, "#") {
					out.WriteString(block + "\n\n")
					continue
				}
				w := newFaultWorld(t)
				for line := range strings.Lines(commands) {
					w.do(strings.TrimSpace(line))
				}
				if got := w.out.String(); !*rewrite && got != want {
					t.Errorf("%s\ngot\n%s\nwant\n%s", commands, got, want)
				}
				out.WriteString(commands + "----\n" + w.out.String() + "\n")
			}
			if *rewrite {
				if err := os.WriteFile(name, []byte(strings.TrimRight(out.String(), "\n")+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

type faultWorld struct {
	*testing.T
	whole  *table.Table
	faults []trimtab.Fault
	id     string
	out    strings.Builder
}

var faultColumns = Columns{ID: "trimtab_row_id", EventTime: "trimtab_event_time", KnownAt: "trimtab_known_at", Label: "trimtab_label"}

func newFaultWorld(t *testing.T) *faultWorld {
	t.Helper()
	f, err := os.Open("testdata/rows.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	whole, err := table.ReadCSV(f, table.CSVOptions{Types: map[string]table.Type{"at": table.Datetime, "known": table.Datetime, "temp": table.Float64}, Optional: true})
	if err != nil {
		t.Fatal(err)
	}
	return &faultWorld{T: t, whole: whole}
}

// rows is the source: batches of a size, rows with event time in [from, to).
func (w *faultWorld) rows(size int, from, to trimtab.Time) iter.Seq2[*table.Table, error] {
	all := &table.Table{}
	for _, c := range w.whole.Columns {
		if c.Name == "late" || c.Name == "known" {
			continue
		}
		all.Columns = append(all.Columns, c)
	}
	id, at := *w.whole.Column("id"), *w.whole.Column("at")
	id.Name, at.Name = faultColumns.ID, faultColumns.EventTime
	all.Columns = append(all.Columns, &id, &at)
	lo, hi := 0, 0
	for i := range all.Rows() {
		if when := milliseconds(&at, i); when < from {
			lo = i + 1
			hi = lo
		} else if to == 0 || when < to {
			hi = i + 1
		}
	}
	return func(yield func(*table.Table, error) bool) {
		for i := lo; i < hi; i += size {
			if !yield(all.Slice(i, min(i+size, hi)), nil) {
				return
			}
		}
	}
}

func (w *faultWorld) drill(size int) *drill {
	w.Helper()
	d := newDrill(w.faults, faultColumns, w.id)
	if err := d.prepare(func(to trimtab.Time) iter.Seq2[*table.Table, error] { return w.rows(size, 0, to) }); err != nil {
		w.Fatal(err)
	}
	return d
}

// sent is what goes out from position on: a line a row, and when each is due.
func (w *faultWorld) sent(size int, position trimtab.Time, columns []string) (lines []string, due []trimtab.Time) {
	w.Helper()
	d := w.drill(size)
	for t, err := range d.rows(w.rows(size, d.firstDue(trimtab.Replay{Position: position}), 0), position) {
		if err != nil {
			return append(lines, trimtab.Message(err)), due
		}
		for i := range t.Rows() {
			when := t.Column(dueColumn)
			line := []string{t.Column(cmp.Or(w.id, faultColumns.ID)).Text(i), t.Column(faultColumns.EventTime).Text(i)}
			if milliseconds(when, i) != milliseconds(t.Column(faultColumns.EventTime), i) {
				line = append(line, "at "+when.Text(i))
			}
			for _, name := range columns {
				c := t.Column(name)
				if text := c.Text(i); c.Null(i) {
					line = append(line, name+"=null")
				} else {
					line = append(line, fmt.Sprintf("%s=%s", name, text))
				}
			}
			lines, due = append(lines, strings.Join(line, " ")), append(due, milliseconds(when, i))
		}
	}
	return lines, due
}

func (w *faultWorld) do(line string) {
	w.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "fault":
		f, err := trimtab.ParseFault(rest)
		if err != nil {
			w.Fatal(err)
		}
		w.faults = append(w.faults, f)
	case "key":
		w.id = rest
	case "send":
		want, due := w.sent(100, 0, strings.Fields(rest))
		for _, l := range want {
			w.out.WriteString(l + "\n")
		}
		for size := 1; size < w.whole.Rows(); size++ {
			for k := 0; k <= len(due); k++ {
				position := trimtab.Time(0)
				if k == len(due) && k > 0 {
					position = due[k-1] + 1
				} else if k > 0 {
					position = due[k]
				}
				from := k
				for from > 0 && from < len(due) && due[from-1] == position {
					from--
				}
				if got, _ := w.sent(size, position, strings.Fields(rest)); len(due) == len(want) && !slices.Equal(got, want[from:]) {
					w.Errorf("in batches of %d from %s on:\n%s\nwant\n%s", size, position, strings.Join(got, "\n"), strings.Join(want[from:], "\n"))
					return
				}
			}
		}
	case "labels":
		d := w.drill(100)
		out, err := d.labels(w.labels())
		if err != nil {
			w.Fatal(err)
		}
		for _, t := range out {
			for i := range t.Rows() {
				fmt.Fprintf(&w.out, "%s %s known %s\n", t.Column(faultColumns.ID).Text(i), t.Column(faultColumns.Label).Text(i), t.Column(faultColumns.KnownAt).Text(i))
			}
		}
	case "reach":
		d := w.drill(100)
		d.count()
		for t := range w.rows(7, 0, 0) {
			b, err := d.cells(t, len(d.faults))
			if err != nil {
				w.Fatal(err)
			}
			d.place(b)
		}
		if _, err := d.labels(w.labels()); err != nil {
			w.Fatal(err)
		}
		for _, r := range d.reach {
			fmt.Fprintf(&w.out, "%s: %d of %d\n", r.Fault, r.Hit, r.InSpan)
		}
	case "check":
		for t := range w.rows(1, 0, 0) {
			err := newDrill(w.faults, faultColumns, w.id).check(t.Fields(), "late")
			if err == nil {
				w.out.WriteString("fine\n")
			} else {
				w.out.WriteString(trimtab.Message(err) + "\n")
			}
			break
		}
	default:
		w.Fatalf("unknown command %s", line)
	}
}

func (w *faultWorld) labels() []*table.Table {
	rename := func(column, name string) *table.Column {
		c := clone(w.whole.Column(column))
		c.Name = name
		return c
	}
	t := &table.Table{Columns: []*table.Column{rename("id", faultColumns.ID), rename("at", faultColumns.EventTime), rename("known", faultColumns.KnownAt), rename("late", faultColumns.Label)}}
	order := make([]int, t.Rows())
	for i := range order {
		order[i] = i
	}
	known := t.Column(faultColumns.KnownAt)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(known.Int64s[a], known.Int64s[b]) })
	t = t.Take(order)
	return []*table.Table{t.Slice(0, 5), t.Slice(5, t.Rows())}
}

// TestFaultLeavesSource injects every kind of fault: the tables of the source stay as they are.
func TestFaultLeavesSource(t *testing.T) {
	w, fresh := newFaultWorld(t), newFaultWorld(t)
	for _, text := range []string{"unit temp x2", "shift n +1", "sign n", "truncate temp -1", "constant sky blue", "nulls temp 50%", "swap temp wind", "freeze n", "shuffle sky", "delay rows 1h", "duplicate rows fresh", "drop rows 10%", "delay labels 1h", "drop labels 5%"} {
		w.do("fault " + text)
	}
	w.sent(3, 0, nil)
	w.do("labels")
	for i, c := range fresh.whole.Columns {
		for r := range c.Len() {
			if d := w.whole.Columns[i]; d.Text(r) != c.Text(r) || d.Null(r) != c.Null(r) {
				t.Errorf("row %d of column %s became %s, was %s", r, c.Name, d.Text(r), c.Text(r))
			}
		}
	}
}

// TestFaultShare hits about the share that was asked for, and different rows for different faults.
func TestFaultShare(t *testing.T) {
	const rows = 20000
	var faults []trimtab.Fault
	for _, text := range []string{"nulls a 30%", "nulls b 30%"} {
		f, err := trimtab.ParseFault(text)
		if err != nil {
			t.Fatal(err)
		}
		faults = append(faults, f)
	}
	d := newDrill(faults, faultColumns, "")
	var one, both int
	for i := range rows {
		h := hashText(fmt.Sprintf("%032x", i))
		if d.chosen(0, h) {
			one++
			if d.chosen(1, h) {
				both++
			}
		}
	}
	// Five standard deviations: sqrt(20000*.3*.7) = 65, sqrt(20000*.09*.91) = 40.
	if one < 6000-325 || one > 6000+325 || both < 1800-200 || both > 1800+200 {
		t.Errorf("%d rows hit, %d by both faults; want about 6000 and 1800", one, both)
	}
}

// TestFaultRefusesRounding refuses what could only be reckoned with by rounding.
func TestFaultRefusesRounding(t *testing.T) {
	f, err := trimtab.ParseFault("shift n +1")
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range map[int64]string{1 << 53: "", 1<<53 + 1: "lies beyond 2^53", -1<<53 - 1: "lies beyond 2^53"} {
		id, at, c := table.NewColumn(faultColumns.ID, table.String, 1), table.NewColumn(faultColumns.EventTime, table.Datetime, 1), table.NewColumn("n", table.Int64, 1)
		id.AppendString("a")
		at.AppendInt64(0)
		c.AppendInt64(n)
		_, err := newDrill([]trimtab.Fault{f}, faultColumns, "").cells(&table.Table{Columns: []*table.Column{id, at, c}}, 1)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(trimtab.Message(err), want) {
			t.Errorf("%d: %v, want %q", n, err, want)
		}
	}
}
