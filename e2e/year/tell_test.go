package year

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/table"
	"github.com/trimtab/trimtab/storage/traffic"
)

// told is a replay in words, and the digest of every answer that was given.
type told struct {
	text    string
	answers string
}

// all is as many records as one call lists.
const all = 1000

// tell writes down what the records of the server say.
func (w *stage) tell() *told {
	var b strings.Builder
	section := func(name string) { fmt.Fprintf(&b, "\n== %s\n", name) }
	line := func(format string, args ...any) {
		b.WriteString(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
	}
	t, err := w.c.Timeline(w.ctx, "flights", "", 0, 0)
	w.check(err)

	line("Endpoint %s, watched by monitor %s; version %d served first and is the one that is compared with.", t.Endpoint, t.Monitor, t.Frozen)
	section("which version served when")
	for _, s := range t.Services {
		line("version %d  %s .. %s  %s", s.Version, hour(s.From, "the beginning"), hour(s.To, "now"), s.Why)
	}
	w.windows(line, section)
	w.decisions(line, section)
	w.incidents(line, section)
	w.rollouts(line, section)

	section("summary")
	x := t.Summary
	line("rows %d, labelled %d, held %d, %d days", x.Rows, x.Labelled, x.Held, x.Days)
	line("loss of what was served %s, of version %d %s; saved per row %s (95%% %s to %s)",
		number(x.ServedLoss), t.Frozen, number(x.FrozenLoss), signed(x.Gain), signed(x.Lo), signed(x.Hi))
	line("retrained %d, promoted %d, of them recalibrated %d, rejected %d, rolled back %d", x.Retrains, x.Promoted, x.Recalibrated, x.Rejected, x.RolledBack)
	line("faults held %d, notices %d, columns with drift in a window %d of %d", x.Faults, x.Notices, x.DriftWindows, x.ColumnWindows)
	answers := w.records(line, section)
	return &told{text: b.String(), answers: answers}
}

type (
	liner     func(format string, args ...any)
	sectioner func(name string)
)

func (w *stage) windows(line liner, section sectioner) {
	t, err := w.c.Timeline(w.ctx, "flights", "", 0, 0)
	w.check(err)
	found, err := w.c.Windows(w.ctx, t.Monitor)
	w.check(err)
	by := map[trimtab.Time]trimtab.WindowResult{}
	for _, x := range found {
		by[x.Start] = x
	}
	section("windows: answered by, rows, labelled, held, " + t.Metric + ", loss saved per row against the first version")
	for _, x := range t.Windows {
		value, gain := "-", "-"
		if x.Value != nil {
			value = number(x.Value.Value)
			if x.Value.HasInterval {
				value += fmt.Sprintf(" (%s to %s)", number(x.Value.Lo), number(x.Value.Hi))
			}
		}
		if x.Gain != nil {
			gain = fmt.Sprintf("%s ± %s", signed(*x.Gain), number(x.StdErr))
		}
		raw := by[x.Start]
		line("%s  v%s  %d  %d  %d  %s  %s", day(x.Start), join(x.Versions), x.Rows, x.Labelled, x.Held, value, gain)
		var more []string
		if raw.Quarantined > 0 {
			more = append(more, fmt.Sprintf("quarantined %d", raw.Quarantined))
		}
		if raw.Late > 0 {
			more = append(more, fmt.Sprintf("late %d", raw.Late))
		}
		for _, q := range raw.Estimated {
			more = append(more, fmt.Sprintf("estimated %s %s", q.Metric, number(q.Value)))
		}
		if raw.Reliable != nil && !*raw.Reliable {
			more = append(more, "not reliable: "+raw.Unreliable)
		}
		if raw.Revision > 0 {
			more = append(more, fmt.Sprintf("corrected %d times", raw.Revision))
		}
		if len(x.Drift) > 0 {
			more = append(more, "drift of "+strings.Join(x.Drift, ", "))
		}
		for _, m := range more {
			line("    %s", m)
		}
		for _, e := range x.Events {
			line("    %s  %s: %s", hour(e.At, ""), e.Kind, e.Text)
		}
	}
}

func (w *stage) decisions(line liner, section sectioner) {
	found, err := w.c.Decisions(w.ctx, in)
	w.check(err)
	slices.SortFunc(found, func(a, b trimtab.Decision) int { return cmp.Compare(a.ID, b.ID) })
	section("decisions: each with all that could have been done: saved per row so far, worth, cost")
	for _, d := range found {
		line("%s  window %s, version %d  %s (%s)", hour(d.At, ""), day(d.Window), d.Served, d.Reason, d.State)
		for _, g := range d.Guards {
			if !g.Passed {
				line("    not passed: %s: %s", g.Name, g.Why)
			}
		}
		if d.Action == trimtab.DoNothing {
			continue
		}
		for _, a := range d.Alternatives {
			mark := " "
			if a.Chosen {
				mark = "*"
			}
			what := string(a.Action)
			if a.Version != 0 {
				what += fmt.Sprintf(" %d", a.Version)
			}
			line("  %s %-15s %s ± %s in %d windows of %d rows: worth %s, costs %s  %s", mark, what, signed(a.Gain), number(a.StdErr), a.Windows, a.Rows, number(a.Expected), number(a.Cost), a.Why)
		}
		if d.Candidate != 0 {
			line("    candidate version %d, rollout %s", d.Candidate, cmp.Or(d.Rollout, "none"))
		}
		line("    became: %s", cmp.Or(d.Outcome, string(d.State)))
		if d.Realised != nil {
			line("    realised: %s per row %s", signed(d.Realised.Value), d.Realised.Text)
		}
	}
}

func (w *stage) incidents(line liner, section sectioner) {
	found, err := w.c.Incidents(w.ctx, in)
	w.check(err)
	slices.SortFunc(found, func(a, b trimtab.Incident) int {
		return cmp.Or(cmp.Compare(a.Begin, b.Begin), cmp.Compare(a.ID, b.ID))
	})
	section("incidents")
	for _, i := range found {
		held := ""
		if i.Hold {
			held = fmt.Sprintf(", %d of %d rows held", i.Bad, i.Rows)
		}
		line("%s .. %s  found %s, closed %s  %s %s%s", hour(i.Begin, ""), hour(i.End, "open"), hour(i.Found, "-"), hour(i.Closed, "-"), i.Kind, strings.Join(i.Columns, ", "), held)
		line("    %s", i.Cause)
		for _, e := range i.Evidence {
			line("    %s %s %s", e.Name, number(e.Value), e.Text)
		}
	}
}

func (w *stage) rollouts(line liner, section sectioner) {
	found, err := w.c.Rollouts(w.ctx, in)
	w.check(err)
	slices.SortFunc(found, func(a, b trimtab.Rollout) int { return cmp.Compare(a.Ordinal(), b.Ordinal()) })
	section("rollouts: each with its steps, and with the last look of each test in each stage")
	for _, r := range found {
		line("rollout %d  version %d -> %d  %s .. %s  %s, %s: %s", r.Ordinal(), r.From, r.To, hour(r.Begun, "the beginning"), hour(r.Ended, "open"), r.State, r.Origin, r.Cause)
		stage := ""
		for _, l := range r.Looks {
			if l.Stage != stage {
				stage = l.Stage
				line("    %s, decided %s", stage, hour(l.At, ""))
			}
			line("      %-13s %s (%s to %s), limit %s, of %d: %s", l.Test, signed(l.Estimate), signed(l.Lo), signed(l.Hi), number(l.Limit), l.N, l.Verdict)
		}
		entries, err := w.c.JournalOf(w.ctx, "rollout", r.ID, all)
		w.check(err)
		looks := 0
		for _, e := range slices.Backward(entries) {
			if e.Action == "rollout.look" {
				looks++
				continue
			}
			line("    %s after %d looks: %s", strings.TrimPrefix(e.Action, "rollout."), looks, e.Reason)
		}
	}
}

// counted are the objects whose entries are the same however often the server
// was killed: a lost attempt is tried again, but nothing is decided or done twice.
var counted = []string{"decision", "incident", "rollout", "window", "policyState", "evaluation", "pipelineRun", "snapshot", "replay", "endpoint.watermark", "model.alias", "model.version.create"}

// records counts what is kept, and returns the digest of all answers.
func (w *stage) records(line liner, section sectioner) string {
	section("records")
	models, err := w.c.Model(w.ctx, "flights")
	w.check(err)
	line("versions of the model: %d", len(models.Versions))
	replays, err := w.c.Replays(w.ctx, "flights")
	w.check(err)
	line("replay: %d rows, %d labels, %d failed", replays[0].Rows, replays[0].Labels, replays[0].Failed)
	e, err := w.c.Endpoint(w.ctx, "flights")
	w.check(err)
	line("log: %d predictions, %d labels, %d late, %d quarantined, %d lost", e.Counts["predictions"], e.Counts["labels"], e.Counts["late"], e.Counts["quarantined"], e.Counts["lost"])
	exported, answers := w.answers()
	line("exported: %s", exported)

	actions := map[string]int{}
	for before := int64(0); ; {
		entries, err := w.c.Journal(w.ctx, before, all)
		w.check(err)
		for _, x := range entries {
			actions[x.Action]++
			before = x.Index
		}
		if len(entries) < all || before <= 1 {
			break
		}
	}
	for _, action := range sorted(actions) {
		if slices.ContainsFunc(counted, func(p string) bool { return strings.HasPrefix(action, p+".") || action == p }) {
			line("journal: %s %d", action, actions[action])
		}
	}
	report, err := w.c.VerifyAudit(w.ctx)
	w.check(err)
	if !report.OK() {
		w.t.Errorf("the journal does not verify: %+v", report.Findings)
	}
	return answers
}

// answers reads every prediction back: none is missing or there twice, and the
// digest is over ids, versions, scores and labels.
func (w *stage) answers() (text, digest string) {
	body, err := w.c.ExportEndpoint(w.ctx, "flights", 0, 0)
	w.check(err)
	defer body.Close()
	raw, err := io.ReadAll(io.LimitReader(body, 1<<30))
	w.check(err)
	x, err := table.ReadParquet(bytes.NewReader(raw), int64(len(raw)), table.ParquetOptions{})
	w.check(err)
	ids, versions, scores, labels := x.Column(traffic.ColumnID), x.Column(traffic.ColumnVersion), x.Column("output.prediction"), x.Column(traffic.ColumnLabel)
	if ids == nil || versions == nil || scores == nil || labels == nil {
		w.t.Fatal("the export lacks a column of ids, versions, scores or labels")
	}
	order := make([]int, x.Rows())
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(ids.Text(a), ids.Text(b)) })
	h := sha256.New()
	twice, labelled := 0, 0
	by := map[string]int{}
	for k, i := range order {
		if k > 0 && ids.Text(i) == ids.Text(order[k-1]) {
			twice++
		}
		label := math.NaN()
		if !labels.Null(i) {
			labelled++
			label, _ = labels.Float(i)
		}
		score, _ := scores.Float(i)
		fmt.Fprintf(h, "%s %s ", ids.Text(i), versions.Text(i))
		binary.Write(h, binary.LittleEndian, []float64{score, label})
		by[versions.Text(i)]++
	}
	text = fmt.Sprintf("%d rows, %d labelled, %d ids more than once", x.Rows(), labelled, twice)
	for _, v := range sorted(by) {
		text += fmt.Sprintf(", by version %s: %d", v, by[v])
	}
	return text, hex.EncodeToString(h.Sum(nil))
}
