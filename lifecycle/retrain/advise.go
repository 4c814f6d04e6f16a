package retrain

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/pure/boost"
)

// Asked says how records are looked at. The zero value is right for most.
type Asked struct {
	Task   Task           // "" follows from labels and scores
	Window trimtab.Window // default 7d
	// Policy prices loss and cures; the zero value asks that a retrain saves one per cent of the loss over its horizon.
	Policy trimtab.RetrainPolicySpec
	// Progress is told what is being done, now and then; nil is told nothing.
	Progress func(what string)
}

// Advice is what records say about a model: whether it decayed and when, whether the data were at fault, and what cures
// would have saved. Numbers that are not known are left out. Losses are log-loss in nats, or squared error.
type Advice struct {
	Task    Task           `json:"task"`
	Metric  string         `json:"metric"` // "auc", higher is better, or "rmse", lower is better
	Window  trimtab.Window `json:"window"`
	From    trimtab.Time   `json:"from"`
	To      trimtab.Time   `json:"to"`
	Rows    int            `json:"rows"`
	Labels  int            `json:"labels"`
	Held    int            `json:"held"`  // labelled rows under a fault of the data, which witness nothing
	Delay   int            `json:"delay"` // windows until labels are known
	Columns []string       `json:"columns"`

	Windows   []AdvisedWindow `json:"windows"`
	Reference int             `json:"reference"` // the first so many windows that have labels are what later ones are compared with
	Decay     Decay           `json:"decay"`
	Faults    []AdvisedFault  `json:"faults"`
	Drifts    []AdvisedDrift  `json:"drifts"`
	Cures     []AdvisedCure   `json:"cures"`
	Policy    AdvisedPolicy   `json:"policy"`
	Now       AdvisedNow      `json:"now"`
	// Pays reports whether something is to be done: a cure would pay now, a fault of the data is still open, or a policy
	// would have saved more than it cost.
	Pays  bool     `json:"pays"`
	Notes []string `json:"notes"`
}

// Value is a number with its 95 % interval.
type Value struct {
	Value float64 `json:"value"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

// AdvisedWindow is one window of the records. A pointer is nil where nothing is known.
type AdvisedWindow struct {
	Start   trimtab.Time `json:"start"`
	End     trimtab.Time `json:"end"`
	Rows    int          `json:"rows"`
	Labels  int          `json:"labels"`
	Held    int          `json:"held,omitempty"`
	Quality *Value       `json:"quality,omitempty"` // the metric
	// Expected is the metric as scores alone lead one to expect it, of a binary task: true as long as a score means what
	// it meant in the reference.
	Expected *Value   `json:"expected,omitempty"`
	Loss     *Value   `json:"loss,omitempty"` // per row
	Rate     *float64 `json:"rate,omitempty"` // mean label
	Score    float64  `json:"score"`          // mean score
	Worse    bool     `json:"worse,omitempty"`
	// Recalibrated and Retrained are the loss per row with a cure that was made anew just before the window: measured, and
	// estimated by a probe.
	Recalibrated *float64 `json:"recalibrated,omitempty"`
	Retrained    *float64 `json:"retrained,omitempty"`
	Drifted      []string `json:"drifted,omitempty"` // input columns
}

// Decay says whether the quality fell against the reference.
type Decay struct {
	// State: "none", "passing" (it was worse for a while), "lasting" (it is worse at the end) or "unknown".
	State  string       `json:"state"`
	Since  trimtab.Time `json:"since,omitempty"` // of lasting: from which window on
	Before *Value       `json:"before,omitempty"`
	After  *Value       `json:"after,omitempty"` // of lasting: since then
	// The loss per row then and now.
	LossBefore float64 `json:"lossBefore"`
	LossAfter  float64 `json:"lossAfter"`
	Worse      []Span  `json:"worse,omitempty"` // stretches of worse windows
}

// Span is a stretch of event time.
type Span struct {
	From trimtab.Time `json:"from"`
	To   trimtab.Time `json:"to"`
}

// AdvisedFault is a fault of the data.
type AdvisedFault struct {
	Kind       string       `json:"kind"`
	Columns    []string     `json:"columns,omitempty"`
	From       trimtab.Time `json:"from"`
	To         trimtab.Time `json:"to"`
	Open       bool         `json:"open,omitempty"` // it is still there at the end of the records
	Rows       int          `json:"rows"`
	Cause      string       `json:"cause"`
	Confidence float64      `json:"confidence"`
}

// AdvisedDrift is an input whose values moved away from the reference: by itself neither a fault nor a decay.
type AdvisedDrift struct {
	Column  string       `json:"column"`
	Windows int          `json:"windows"` // in which it drifted
	Since   trimtab.Time `json:"since"`
	Last    trimtab.Time `json:"last"` // end of the last of them
	PSI     float64      `json:"psi"`  // the largest
	Why     string       `json:"why"`
}

// AdvisedCure is what a cure that is made anew before every window would have saved per row.
type AdvisedCure struct {
	Action    trimtab.Action `json:"action"`
	Estimated bool           `json:"estimated,omitempty"`
	Rows      int            `json:"rows"`
	Saved     *Value         `json:"saved,omitempty"`
	Share     float64        `json:"share"` // of the loss
	Why       string         `json:"why,omitempty"`
}

// AdvisedPolicy is what a policy in mode auto would have done over the records.
type AdvisedPolicy struct {
	Loss      float64         `json:"loss"`   // per row, as it would have been
	Frozen    float64         `json:"frozen"` // as it was
	Saved     *Value          `json:"saved,omitempty"`
	Total     float64         `json:"total"` // loss saved over all rows
	Cost      float64         `json:"cost"`
	Unit      string          `json:"unit"`
	Estimated bool            `json:"estimated,omitempty"` // retrains are among what it did
	Changes   []AdvisedChange `json:"changes"`
}

// AdvisedChange is one thing that the policy would have done.
type AdvisedChange struct {
	At       trimtab.Time   `json:"at"`
	Action   trimtab.Action `json:"action"`
	Accepted bool           `json:"accepted"`
	Why      string         `json:"why"`
}

// AdvisedNow is what the model as it is asks for at the end of the records.
type AdvisedNow struct {
	Action trimtab.Action `json:"action"`
	Since  trimtab.Time   `json:"since,omitempty"` // the first border at which anything was asked for
	Reason string         `json:"reason"`
}

// The sizes of what is looked at.
const (
	leastWindows   = 6 // that have labels
	mostWindows    = 5000
	leastWindow    = 30 // labelled rows for a window to have a quality
	mostReference  = 12 // windows
	leastReference = 3
)

// Advise looks back over records, without a server and without a pipeline. The same records give the same advice.
func Advise(r Records, asked Asked) (a Advice, err error) {
	defer trimtab.Wrap(&err, "retrain.Advise")
	if asked.Window == "" {
		asked.Window = "7d"
	}
	if err := asked.Window.Validate(); err != nil {
		return a, err
	}
	say := asked.Progress
	if say == nil {
		say = func(string) {}
	}
	task, err := taskOf(r, asked.Task)
	if err != nil {
		return a, err
	}
	a = Advice{Task: task, Metric: "auc", Window: asked.Window, Rows: len(r.Time), Notes: r.Notes, Faults: []AdvisedFault{}, Drifts: []AdvisedDrift{}}
	if task == Regression {
		a.Metric = "rmse"
	}
	if a.Rows == 0 {
		return a, trimtab.Errorf(trimtab.Invalid, "predictions", "there are no predictions")
	}
	spans, err := cut(r.Time, asked.Window)
	if err != nil {
		return a, err
	}
	a.From, a.To = r.Time[0], r.Time[len(r.Time)-1]
	var feats []boost.Feature
	if r.Inputs != nil {
		for _, c := range r.Inputs.Columns {
			feats = append(feats, featureOf(c))
			a.Columns = append(a.Columns, c.Name)
		}
	}
	a.Delay = r.delay(asked.Window, spans)
	faults(&a, r, spans, say)
	b := bookkeeping{asked: asked, records: r, spans: spans, features: feats, held: heldRows(a.Faults, r)}
	b.windows(&a)
	if n := b.labelled(); n < leastWindows {
		return a, tooShort(a, asked.Window, n)
	}
	say("comparing windows")
	b.decay(&a)
	b.expected(&a)
	if err := b.drift(&a); err != nil {
		return a, err
	}
	if err := b.cures(&a, say); err != nil {
		return a, err
	}
	say("walking a policy through the records")
	if err := b.policy(&a); err != nil {
		return a, err
	}
	open := false
	for _, f := range a.Faults {
		open = open || f.Open
	}
	p := a.Policy
	worth := p.Saved != nil && p.Saved.Lo > 0 && p.Total*CostsOf(asked.Policy, 0, 0, 0).PerLoss > p.Cost
	a.Pays = a.Now.Action != trimtab.DoNothing || open || worth
	if served := distinct(r.Served); served > 1 {
		a.Notes = append(a.Notes, fmt.Sprintf("%d versions answered in these records: cures are compared with what was served then, whichever version it was.", served))
	}
	return a, nil
}

func distinct(texts []string) int {
	seen := map[string]bool{}
	for _, t := range texts {
		seen[t] = true
	}
	return len(seen)
}

// taskOf finds the task, and checks scores and labels against it.
func taskOf(r Records, asked Task) (Task, error) {
	both, probability, labels := true, true, 0
	badLabel, badScore := 0.0, 0.0
	for i, y := range r.Label {
		if !math.IsNaN(y) {
			labels++
			if y != 0 && y != 1 {
				both, badLabel = false, y
			}
		}
		if p := r.Score[i]; p < 0 || p > 1 {
			probability, badScore = false, p
		}
	}
	if labels == 0 {
		return "", trimtab.Errorf(trimtab.Invalid, "labels", "no prediction has a label: nothing can be said about the model")
	}
	if asked == "" {
		if !both {
			return Regression, nil
		}
		if !probability {
			return "", trimtab.Errorf(trimtab.Invalid, "score", "all labels are 0 or 1, but the score (column %q) holds %v, which is no probability; name the column of probabilities with --score, or say --task regression", r.Names["score"], badScore)
		}
		hard := true
		for _, p := range r.Score {
			hard = hard && (p == 0 || p == 1)
		}
		if hard {
			return "", trimtab.Errorf(trimtab.Invalid, "score", "the score (column %q) holds only 0 and 1: these are decided classes; the probability is needed, name its column with --score", r.Names["score"])
		}
		return Binary, nil
	}
	if err := asked.Validate(); err != nil {
		return "", err
	}
	if asked == Binary && !both {
		return "", trimtab.Errorf(trimtab.Invalid, "labels", "a label is %v: a binary task expects 0 or 1", badLabel)
	}
	if asked == Binary && !probability {
		return "", trimtab.Errorf(trimtab.Invalid, "score", "a score is %v: a binary task expects probabilities", badScore)
	}
	return asked, nil
}

// extent is one window of the records: rows [lo, hi).
type extent struct {
	start, end trimtab.Time
	lo, hi     int
}

func (e extent) rows() int { return e.hi - e.lo }

// cut finds the windows that have rows.
func cut(times []trimtab.Time, w trimtab.Window) ([]extent, error) {
	var out []extent
	for lo := 0; lo < len(times); {
		start, end := w.Bounds(times[lo])
		hi := lo
		for hi < len(times) && times[hi] < end {
			hi++
		}
		out = append(out, extent{start, end, lo, hi})
		if lo = hi; len(out) > mostWindows {
			return nil, trimtab.Errorf(trimtab.Invalid, "window", "the records make more than %d windows of %s: choose a longer one with --window", mostWindows, w)
		}
	}
	return out, nil
}

func tooShort(a Advice, w trimtab.Window, n int) error {
	length := a.To.Sub(a.From)
	hint := ""
	for _, try := range []trimtab.Window{"1d", "6h", "1h", "10m"} {
		d, _ := trimtab.ParseDuration(string(try))
		_, end := w.Bounds(a.From)
		start, _ := w.Bounds(a.From)
		if time.Duration(d) < end.Sub(start) && length/time.Duration(d) > leastWindows {
			hint = fmt.Sprintf("; try --window %s", try)
			break
		}
	}
	return trimtab.Errorf(trimtab.Invalid, "window", "the records reach from %s to %s and make %d windows of %s with at least %d labelled rows (both labels among them for a binary task): at least %d are needed%s",
		date(a.From), date(a.To), n, w, leastWindow, leastWindows, hint)
}

// delay is how many windows it takes until nineteen in twenty labels of a window are known.
func (r Records) delay(w trimtab.Window, spans []extent) int {
	if r.Known == nil {
		return 0
	}
	var late []float64
	for _, s := range spans {
		for i := s.lo; i < s.hi; i++ {
			if r.Known[i] > 0 && !math.IsNaN(r.Label[i]) {
				late = append(late, max(0, float64(r.Known[i]-s.end)))
			}
		}
	}
	if len(late) == 0 {
		return 0
	}
	start, end := w.Bounds(r.Time[0])
	slices.Sort(late)
	return int(math.Ceil(late[len(late)*19/20] / float64(end-start)))
}
