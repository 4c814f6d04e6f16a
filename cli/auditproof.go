package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/storage/journal"
)

// maxEvidence bounds a file of evidence: 200 entries of 64 KiB and their proofs, in base64, are below it.
const maxEvidence = 32 << 20

// against is what evidence is held against beside itself.
type against struct{ key, older string }

func (g *against) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&g.key, "key", "", "the key that must have signed, as text or the file that holds it (DATA/keys/journal.pub)")
	cmd.Flags().StringVar(&g.older, "since", "", "file of evidence kept earlier: the log must begin with what it had then")
}

func (a *application) auditShowCommand() *cobra.Command {
	var g against
	cmd := &cobra.Command{
		Use:   "show INDEX...",
		Short: "Show entries of the journal, and prove them",
		Long: `Show entries whole, and check here what proves them: the signature of the newest
checkpoint, and the hashes that lead from the bytes of an entry to the signed root.

With -o json the evidence itself is printed. It needs no server to be checked again:
trimtab audit verify FILE. Kept elsewhere, it shows later that nothing before it was
rewritten (--since FILE).

Exit code 0: proved. 2: not proved. 1: error.`,
		Example: `  trimtab audit show 1204
  trimtab audit show 1204 1205 -o json > evidence.json
  trimtab audit show 1310 --since evidence.json --key keys/journal.pub`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var indices []int64
			for _, arg := range args {
				n, err := strconv.ParseInt(arg, 10, 64)
				if err != nil || n < 1 {
					return usage{fmt.Errorf("%q: expected the number of an entry, as the column INDEX of `trimtab journal tail` has it", arg)}
				}
				indices = append(indices, n)
			}
			var older *heldEvidence
			since := int64(0)
			if g.older != "" {
				var err error
				if older, err = readEvidence(g.older); err != nil {
					return err
				}
				since = older.checkpoint.Size
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			out, err := c.Prove(cmd.Context(), indices, since)
			if err != nil {
				return err
			}
			if out.Left > 0 {
				return trimtab.Errorf(trimtab.Invalid, "audit", "%d of %d entries would make the answer too large: ask for fewer at once", out.Left, len(indices))
			}
			e, err := out.Evidence()
			if err != nil {
				return err
			}
			project := c.Target().Project
			if project == "" {
				project = trimtab.DefaultWorkspace
			}
			return a.showEvidence(out, e, project, indices, g, older)
		},
	}
	g.flags(cmd)
	return cmd
}

// verifyEvidence checks a file of evidence without a server.
func (a *application) verifyEvidence(path string, g against) error {
	held, err := readEvidence(path)
	if err != nil {
		return err
	}
	var older *heldEvidence
	if g.older != "" {
		if older, err = readEvidence(g.older); err != nil {
			return err
		}
	}
	return a.showEvidence(held.text, held.evidence, held.project, nil, g, older)
}

// heldEvidence is evidence from a file.
type heldEvidence struct {
	text       view.AuditEvidence
	evidence   journal.Evidence
	project    trimtab.Workspace // of its log, by its checkpoint
	checkpoint journal.Checkpoint
}

func readEvidence(path string) (*heldEvidence, error) {
	raw, err := readLimited(path, maxEvidence)
	if err != nil {
		return nil, err
	}
	h := &heldEvidence{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h.text); err != nil {
		return nil, trimtab.Errorf(trimtab.Invalid, "evidence", "%s: expected what `trimtab audit show INDEX -o json` prints: %v", path, err)
	}
	if h.evidence, err = h.text.Evidence(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	// The checkpoint names its log: NAME/PROJECT. Whether it may be believed is checked after.
	origin, _, _ := strings.Cut(h.text.Note, "\n")
	_, project, ok := strings.Cut(origin, "/")
	if !ok {
		return nil, trimtab.Errorf(trimtab.Invalid, "evidence", "%s: note: its first line %q names no log: expected KEY/PROJECT", path, origin)
	}
	h.project = trimtab.Workspace(project)
	h.checkpoint, err = h.evidence.Check(h.project)
	if err != nil {
		h.checkpoint = journal.Checkpoint{} // said when it is shown
	}
	return h, nil
}

func readLimited(path string, most int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(raw)) > most {
		err = trimtab.Errorf(trimtab.Invalid, "evidence", "%s has more than %d bytes", path, most)
	}
	return raw, err
}

// showEvidence checks evidence and shows its entries and what was checked; wanted are the entries that were asked for,
// nil for whatever is in it.
func (a *application) showEvidence(text view.AuditEvidence, e journal.Evidence, project trimtab.Workspace, wanted []int64, g against, older *heldEvidence) error {
	checks := check(e, project, wanted, g, older)
	bad := ""
	for _, c := range checks {
		if c.wrong != "" && bad == "" {
			bad = c.wrong
		}
	}
	err := a.show(text, func(w io.Writer) error {
		for _, p := range e.Proofs {
			if err := a.writeProved(w, p); err != nil {
				return err
			}
		}
		for _, c := range checks {
			if c.wrong != "" {
				fmt.Fprintf(w, "%s %s: %s\n", a.paint(w, red, "✗"), c.what, strings.TrimPrefix(c.wrong, "journal: "))
				continue
			}
			fmt.Fprintf(w, "%s %s\n", a.paint(w, green, "✓"), c.what)
		}
		return nil
	})
	if err == nil && bad != "" {
		if a.output == "json" || a.output == "yaml" { // the evidence was printed for a program: the verdict goes beside it
			a.progress("not proved: %s", strings.TrimPrefix(bad, "journal: "))
		}
		return code(exitChanges)
	}
	return err
}

// checked is one thing that was looked at; wrong says why it does not hold.
type checked struct{ what, wrong string }

func check(e journal.Evidence, project trimtab.Workspace, wanted []int64, g against, older *heldEvidence) (out []checked) {
	add := func(what string, err error) {
		c := checked{what: what}
		if err != nil {
			c.wrong = err.Error()
		}
		out = append(out, c)
	}
	if wanted != nil {
		var err error
		for i, n := range wanted {
			if len(e.Proofs) != len(wanted) || e.Proofs[i].Index != n {
				err = fmt.Errorf("asked for %d entries, the answer has %d, or others", len(wanted), len(e.Proofs))
				break
			}
		}
		if err != nil {
			add("the answer is about the entries asked for", err)
		}
	}
	c, err := e.Check(project)
	if len(e.Proofs) > 0 {
		add(fmt.Sprintf("%s to the root of a signed log of %s", leads(len(e.Proofs)), thousands(e.Size)+" entries"), err)
	} else {
		add(fmt.Sprintf("a signed log of %s", thousands(e.Size)+" entries"), err)
	}
	switch {
	case g.key == "":
		add("signed with "+e.Key+" (compare it with what you know: --key)", nil)
	default:
		key, err := keyOf(g.key)
		if err == nil && key != e.Key {
			err = fmt.Errorf("it is signed with %s, not with %s", e.Key, key)
		}
		add("signed with the key that was given", err)
	}
	if older != nil {
		if err == nil && older.checkpoint.Size == 0 {
			err = fmt.Errorf("the older evidence does not verify by itself")
		}
		if err == nil {
			err = e.CheckSince(c, older.checkpoint)
		}
		if err == nil && older.evidence.Key != e.Key {
			err = fmt.Errorf("the older checkpoint was signed with another key")
		}
		add(fmt.Sprintf("begins with the %s that were signed before", thousands(older.checkpoint.Size)+" entries"), err)
	}
	return out
}

func leads(n int) string {
	if n == 1 {
		return "the entry leads"
	}
	return fmt.Sprintf("%d entries lead", n)
}

// keyOf takes a key as text, or the file that holds it.
func keyOf(text string) (string, error) {
	if strings.Contains(text, "+") {
		return text, nil
	}
	raw, err := readLimited(text, 4096)
	return strings.TrimSpace(string(raw)), err
}

// writeProved shows an entry by the bytes that are hashed.
func (a *application) writeProved(w io.Writer, p journal.Proof) error {
	var e trimtab.Entry
	if err := json.Unmarshal(p.Body, &e); err != nil {
		fmt.Fprintf(w, "entry %d  %s\n\n", p.Index, a.paint(w, red, "its bytes are no entry: "+err.Error()))
		return nil
	}
	who := e.Actor.ID
	if e.Actor.Via != "" {
		who += " via " + e.Actor.Via
	}
	if err := facts(w, "entry", fmt.Sprintf("%d, in place %s of the project's log", p.Index, thousands(p.Leaf+1)), "time", e.Time.String(), "actor", strings.TrimSpace(string(e.Actor.Kind)+" "+who), "request", e.RequestID,
		"action", e.Action, "object", e.Object.String(), "reason", e.Reason, "before", string(e.Before), "after", string(e.After)); err != nil {
		return err
	}
	if len(e.Data) > 0 {
		var pretty bytes.Buffer
		if json.Indent(&pretty, e.Data, "      ", "  ") == nil {
			fmt.Fprintf(w, "data  %s\n", pretty.String())
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}
