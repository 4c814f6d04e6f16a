package trimtab

import "regexp"

// RetrainPolicySpec is the envelope inside which the loop acts by itself.
type RetrainPolicySpec struct {
	Monitor  string `json:"monitor"`  // whose windows decide, and so whose endpoint
	Pipeline string `json:"pipeline"` // that trains
	// AsOfParam is the pipeline's parameter that takes the moment up to which it learns. Default "asOf".
	AsOfParam string            `json:"asOfParam,omitempty"`
	Params    map[string]string `json:"params,omitempty"`

	// Mode: "advise" (default: says what it would do), "approve" (waits for a person) or "auto".
	Mode string `json:"mode,omitempty"`
	// Strategy: "cost-aware" (default), "threshold" or "schedule".
	Strategy  string         `json:"strategy,omitempty"`
	Threshold *ThresholdSpec `json:"threshold,omitempty"`
	// Every is the span of the strategy schedule.
	Every Duration `json:"every,omitempty"`

	Costs CostSpec `json:"costs,omitzero"`
	// Horizon is how long a gain is expected to last. Default 8 windows.
	Horizon Duration `json:"horizon,omitempty"`
	// Actions that are allowed: "recalibrate" "retrain" "promoteOlder" "rollback"; default all.
	Actions []string    `json:"actions,omitempty"`
	Require RequireSpec `json:"require,omitzero"`
	Limits  LoopLimits  `json:"limits,omitzero"`
	Gate    string      `json:"gate,omitempty"` // an EvaluationSuite; absent: the built-in paired test
	// Block is the input column whose equal values are correlated rows (a session, a
	// machine); absent: rows of one day are.
	Block string `json:"block,omitempty"`
	// Keep is how many older versions stay candidates. Default 8.
	Keep int `json:"keep,omitempty"`
	// AssumedDuration is how long training takes in event time: a pipeline started at w takes effect at w + this. Default 0s.
	AssumedDuration Duration `json:"assumedDuration,omitempty"`
}

// ThresholdSpec acts when a metric is beyond a bound in several windows in a row.
type ThresholdSpec struct {
	Metric  string   `json:"metric"`
	Below   *float64 `json:"below,omitempty"`
	Above   *float64 `json:"above,omitempty"`
	Windows int      `json:"windows,omitempty"` // default 2
}

// CostSpec prices loss and cures. In money when Currency is set; else costs are in
// units of the summed loss, and a retrain costs by default what the mean loss of
// MinGain over the horizon would.
type CostSpec struct {
	Currency string `json:"currency,omitempty"`
	// PerLoss is the money that one unit of loss costs per prediction.
	PerLoss     float64 `json:"perLoss,omitempty"`
	Retrain     float64 `json:"retrain,omitempty"`
	Recalibrate float64 `json:"recalibrate,omitempty"` // default a tenth of a retrain
	Reject      float64 `json:"reject,omitempty"`      // a challenger that fails; default a fifth
	// MinGain is the relative improvement of the mean loss below which a retrain is not worth it, without money. Default 0.01.
	MinGain float64 `json:"minGain,omitempty"`
}

// RequireSpec is what must be there before anything is learnt.
type RequireSpec struct {
	MinRows      int64 `json:"minRows,omitempty"`      // labelled, since the last training; default 1000
	MinPositives int64 `json:"minPositives,omitempty"` // and negatives, of a binary model; default 50
}

// LoopLimits bounds what the loop does by itself.
type LoopLimits struct {
	Cooldown       Duration `json:"cooldown,omitempty"`       // after an action; default one window
	AfterRejection float64  `json:"afterRejection,omitempty"` // factor on cooldown and threshold per rejection; default 2
	Retrains       int      `json:"retrains,omitempty"`       // at most so many per Per; 0: no limit
	Per            Duration `json:"per,omitempty"`            // default 30d
	// Failures in a row open the circuit breaker until a person closes it. Default 3.
	Failures int        `json:"failures,omitempty"`
	Blackout []Blackout `json:"blackout,omitempty"`
}

// Blackout is a span of event time in which nothing is done.
type Blackout struct {
	From   string `json:"from"` // a time, or "12-20" for every year
	To     string `json:"to"`
	Reason string `json:"reason,omitempty"`
}

// Covers reports whether t lies in the span: between two times, or, when both are
// "MM-DD", between these days of every year (the last one included).
func (b Blackout) Covers(t Time) (bool, error) {
	if dayOfYear.MatchString(b.From) && dayOfYear.MatchString(b.To) {
		day := t.Go().Format("01-02")
		if b.From <= b.To {
			return b.From <= day && day <= b.To, nil
		}
		return day >= b.From || day <= b.To, nil
	}
	from, err := ParseTime(b.From)
	if err != nil {
		return false, err
	}
	to, err := ParseTime(b.To)
	if err != nil {
		return false, err
	}
	if to <= from {
		return false, Errorf(Invalid, "blackout", "the blackout ends at %s, before it begins at %s", b.To, b.From)
	}
	return from <= t && t < to, nil
}

var dayOfYear = regexp.MustCompile(`^(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$`)

// PolicyState is what a policy remembers between borders. Everything that decides
// is here or in windows, incidents and decisions.
type PolicyState struct {
	Workspace Workspace `json:"ws"`
	Policy    string    `json:"policy"`
	Through   Time      `json:"through"` // the newest window that was decided on: its end
	Since     Time      `json:"since"`   // sums count windows from here
	// Served is the version that the gains are measured against, Trained the moment up to which it has learnt.
	Served  Version `json:"served,omitzero"`
	Trained Time    `json:"trained,omitzero"`
	// Gains is what each cure would have saved since Since: "recalibrate" "retrain" "version 3".
	Gains map[string][]GainItem `json:"gains,omitempty"`
	// Windows, Rows and Loss are what the served version has answered since Since: windows with clean labelled
	// rows, their rows, and the loss summed over them.
	Windows int     `json:"windows,omitzero"`
	Rows    float64 `json:"rows,omitzero"`
	Loss    float64 `json:"loss,omitzero"`
	// Theta multiplies the evidence that is asked for of a retrain: grows with a rejection, falls slowly. 0 is 1.
	Theta         float64 `json:"theta,omitzero"`
	CooldownUntil Time    `json:"cooldownUntil,omitzero"`
	Failures      int     `json:"failures,omitzero"`   // cures in a row that could not be made
	Rejections    int     `json:"rejections,omitzero"` // challengers in a row that lost
	Broken        bool    `json:"broken,omitzero"`     // the circuit breaker is open
	Retrains      []Time  `json:"retrains,omitempty"`
	// Believe is the factor by which a promised gain of a retrain is believed. 0 is 1.
	Believe float64 `json:"believe,omitzero"`
	// Excess is the mean loss per row by which probes have promised more than challengers brought.
	Excess float64 `json:"excess,omitzero"`
	Watch  *Watch  `json:"watch,omitzero"`
	// Applied is the decision whose outcome was taken in last.
	Applied string `json:"applied,omitzero"`
}

// Watch is a promise that is being checked: what a promoted version was to save
// against the one before it.
type Watch struct {
	Decision string  `json:"decision"`
	Action   Action  `json:"action"`
	Previous Version `json:"previous"` // what was served before
	Promised float64 `json:"promised"` // mean loss saved per row
	Since    Time    `json:"since"`    // in service from
}

// Object names the state in the journal.
func (s PolicyState) Object() Object { return Object{Kind: "policyState", Name: s.Policy} }

// Head is how the document is listed.
func (s PolicyState) Head() Head { return Head{Scope: s.Policy, At: s.Through, Open: s.Broken} }

// LoopPause is the name of the pause that stops every policy of a project; no policy is called so.
const LoopPause = "loop"

// Pause stops a policy, or with the name [LoopPause] every automatic action of a project, until it is resumed.
type Pause struct {
	Workspace Workspace `json:"ws"`
	Name      string    `json:"name"` // "loop", or a policy
	Paused    bool      `json:"paused"`
	By        string    `json:"by,omitzero"`
	Reason    string    `json:"reason,omitzero"`
	At        Time      `json:"at"` // clock
}

// Object names the pause in the journal.
func (p Pause) Object() Object { return Object{Kind: "pause", Name: p.Name} }

// Head is how the document is listed.
func (p Pause) Head() Head { return Head{Scope: p.Name, At: p.At, Open: p.Paused} }
