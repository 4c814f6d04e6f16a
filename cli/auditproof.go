package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
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
			older, err := g.earlier()
			if err != nil {
				return err
			}
			c, err := a.client()
			if err != nil {
				return err
			}
			out, err := c.Prove(cmd.Context(), indices, older.Size)
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
			return a.showEvidence(out, e, check(e, project, indices, g, older))
		},
	}
	g.flags(cmd)
	return cmd
}

// verifyEvidence checks a file of evidence without a server.
func (a *application) verifyEvidence(path string, g against) error {
	older, err := g.earlier()
	if err != nil {
		return err
	}
	text, e, project, err := readEvidence(path)
	if err != nil {
		return err
	}
	return a.showEvidence(text, e, check(e, project, nil, g, older))
}

// earlier is the checkpoint of the evidence that was kept earlier, the zero one without any.
func (g against) earlier() (journal.Checkpoint, error) {
	if g.older == "" {
		return journal.Checkpoint{}, nil
	}
	_, e, project, err := readEvidence(g.older)
	if err != nil {
		return journal.Checkpoint{}, err
	}
	c, err := e.Check(project)
	if err != nil {
		return c, trimtab.Errorf(trimtab.Invalid, "evidence", "%s does not verify by itself, so nothing can be held against it: %s", g.older, said(err))
	}
	return c, nil
}

// readEvidence reads a file and the project of its log; whether that may be believed is not checked yet.
func readEvidence(path string) (text view.AuditEvidence, e journal.Evidence, project trimtab.Workspace, err error) {
	raw, err := readLimited(path, maxEvidence)
	if err != nil {
		return text, e, "", err
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&text); err != nil {
		return text, e, "", trimtab.Errorf(trimtab.Invalid, "evidence", "%s: expected what `trimtab audit show INDEX -o json` prints: %v", path, err)
	}
	if e, err = text.Evidence(); err != nil {
		return text, e, "", trimtab.Errorf(trimtab.Invalid, "evidence", "%s: %s", path, trimtab.Message(err))
	}
	origin, _, _ := strings.Cut(text.Note, "\n")
	_, of, ok := strings.Cut(origin, "/")
	if !ok {
		return text, e, "", trimtab.Errorf(trimtab.Invalid, "evidence", "%s: note: its first line %q names no log: expected KEY/PROJECT", path, origin)
	}
	return text, e, trimtab.Workspace(of), nil
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

// showEvidence shows entries and what was checked of them.
func (a *application) showEvidence(text view.AuditEvidence, e journal.Evidence, checks []checked) error {
	err := a.show(text, func(w io.Writer) error {
		for _, p := range e.Proofs {
			if err := a.writeProved(w, p); err != nil {
				return err
			}
		}
		for _, c := range checks {
			if c.wrong != nil {
				fmt.Fprintf(w, "%s %s: %s\n", a.paint(w, red, "✗"), c.what, said(c.wrong))
				continue
			}
			fmt.Fprintf(w, "%s %s\n", a.paint(w, green, "✓"), c.what)
		}
		return nil
	})
	n := slices.IndexFunc(checks, func(c checked) bool { return c.wrong != nil })
	if err != nil || n < 0 {
		return err
	}
	if a.output == "json" || a.output == "yaml" { // the evidence was printed for a program: the verdict goes beside it
		a.progress("not proved: %s", said(checks[n].wrong))
	}
	return code(exitChanges)
}

// said is an error of the journal for people.
func said(err error) string { return strings.TrimPrefix(err.Error(), "journal: ") }

// checked is one thing that was looked at; wrong says why it does not hold.
type checked struct {
	what  string
	wrong error
}

// check looks at everything that evidence can show; wanted are the entries that were asked for, nil for whatever is in
// it. Nothing that it says of itself is believed: sizes are those of the signed checkpoint.
func check(e journal.Evidence, project trimtab.Workspace, wanted []int64, g against, older journal.Checkpoint) (out []checked) {
	got := make([]int64, len(e.Proofs))
	for i, p := range e.Proofs {
		got[i] = p.Index
	}
	if wanted != nil && !slices.Equal(got, wanted) {
		out = append(out, checked{"the answer is about the entries asked for", fmt.Errorf("asked for %v, it is about %v", wanted, got)})
	}
	c, err := e.Check(project)
	if err != nil { // of a log that is not signed nothing more is known
		return append(out, checked{fmt.Sprintf("%s to the root of a signed log", leads(len(got))), err})
	}
	out = append(out, checked{what: fmt.Sprintf("%s to the root of the signed log %s of %s entries", leads(len(got)), c.Origin, thousands(c.Size))})
	if g.key == "" {
		out = append(out, checked{what: "signed with " + e.Key + " (compare it with what you know: --key)"})
	} else {
		key, err := keyOf(g.key)
		if err == nil && key != e.Key {
			err = fmt.Errorf("it is signed with %s, not with %s", e.Key, key)
		}
		out = append(out, checked{"signed with the key that was given", err})
	}
	if g.older != "" {
		err := e.CheckSince(c, older)
		if err != nil && older.Size < c.Size && e.Since != older.Size {
			err = fmt.Errorf("%w: ask for it with `trimtab audit show INDEX --since %s -o json`", err, g.older)
		}
		out = append(out, checked{fmt.Sprintf("begins with the %s entries that were signed before", thousands(older.Size)), err})
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
