package journal

import (
	"fmt"

	"github.com/trimtab/trimtab"
	"golang.org/x/mod/sumdb/tlog"
)

// Finding is one thing that verification found wrong.
type Finding struct {
	Workspace trimtab.Workspace `json:"workspace"`
	Subject   string            `json:"subject"`
	Problem   string            `json:"problem"`
}

// Report is the result of a verification.
type Report struct {
	Entries  int64     `json:"entries"` // whose leaves were hashed again
	Rows     int64     `json:"rows"`    // governed rows compared with their last entry
	Sealed   int64     `json:"sealed"`  // runs and segments whose measured data were compared with their seal
	Open     int64     `json:"open"`    // runs not yet sealed: their measured data are not covered
	Findings []Finding `json:"findings,omitempty"`
}

// OK reports whether nothing was found.
func (r *Report) OK() bool { return len(r.Findings) == 0 }

// Add records a finding.
func (r *Report) Add(ws trimtab.Workspace, subject, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Workspace: ws, Subject: subject, Problem: fmt.Sprintf(format, args...)})
}

// Checker hashes a workspace's entries again, in order, and compares every
// stored hash. It remembers what each object was left as, so that rows can be
// compared with it.
type Checker struct {
	workspace trimtab.Workspace
	report    *Report
	frontier  Frontier
	roots     map[int64]tlog.Hash // size -> root, for the sizes that have checkpoints
	last      map[trimtab.Object]lastEntry
	byID      map[trimtab.EntryID]trimtab.Digest
}

type lastEntry struct {
	id    trimtab.EntryID
	after trimtab.Digest
}

// NewChecker begins the verification of a workspace's log; sizes are those of its checkpoints.
func NewChecker(ws trimtab.Workspace, report *Report, sizes []int64) *Checker {
	c := &Checker{workspace: ws, report: report, roots: map[int64]tlog.Hash{}, last: map[trimtab.Object]lastEntry{}, byID: map[trimtab.EntryID]trimtab.Digest{}}
	for _, s := range sizes {
		c.roots[s] = tlog.Hash{}
	}
	return c
}

// Entry takes the next entry of the log: its body as stored and the entry decoded from it.
func (c *Checker) Entry(leaf int64, body []byte, e trimtab.Entry) []Hash {
	if leaf != c.frontier.Size {
		c.report.Add(c.workspace, fmt.Sprintf("entry %d", leaf), "is out of order: expected entry %d; entries are missing or renumbered", c.frontier.Size)
	}
	hashes := c.frontier.Append(body)
	if _, wanted := c.roots[c.frontier.Size]; wanted {
		c.roots[c.frontier.Size] = c.frontier.Root()
	}
	c.last[e.Object] = lastEntry{id: e.ID, after: e.After}
	c.byID[e.ID] = e.After
	c.report.Entries++
	return hashes
}

// Pending takes an entry that is committed and not ordered yet: rows may carry it already.
func (c *Checker) Pending(e trimtab.Entry) {
	c.last[e.Object] = lastEntry{id: e.ID, after: e.After}
	c.byID[e.ID] = e.After
}

// Checkpoint compares a signed checkpoint with the log as it is.
func (c *Checker) Checkpoint(cp Checkpoint) {
	if cp.Size > c.frontier.Size {
		c.report.Add(c.workspace, fmt.Sprintf("checkpoint of %d entries", cp.Size), "the log has only %d entries: its end was cut off, or an older database was restored", c.frontier.Size)
		return
	}
	if cp.Size > 0 && c.roots[cp.Size] != cp.Root {
		c.report.Add(c.workspace, fmt.Sprintf("checkpoint of %d entries", cp.Size), "its root is %s, the log as stored has %s: an entry was changed", cp.Root, c.roots[cp.Size])
	}
}

// Row compares a governed row with the entry that it carries: state is what
// the row says, hashed like the entry's After.
func (c *Checker) Row(obj trimtab.Object, entry trimtab.EntryID, state any) {
	c.report.Rows++
	last, ok := c.last[obj]
	after, known := c.byID[entry]
	switch {
	case !ok || !known:
		c.report.Add(c.workspace, obj.String(), "no journal entry explains this row: it was inserted behind the server's back")
	case last.id != entry:
		c.report.Add(c.workspace, obj.String(), "carries entry %s, its last entry is %s: the row was put back to an older state", entry, last.id)
	case after != trimtab.StateDigest(state):
		c.report.Add(c.workspace, obj.String(), "differs from what its last journal entry %s recorded: the row was edited behind the server's back", entry)
	}
	delete(c.last, obj)
}

// Missing reports the objects that the log says exist and no row was seen of.
// Call it after all rows.
func (c *Checker) Missing() {
	for obj, last := range c.last {
		if last.after != "" {
			c.report.Add(c.workspace, obj.String(), "its last journal entry %s says that it exists; the row was deleted behind the server's back", last.id)
		}
	}
}
