package retrain

import (
	"fmt"
	"math"

	"github.com/trimtab/trimtab"
)

// Verdict is what became of a promise.
type Verdict struct {
	Decision string       // the decision that promised
	Realised trimtab.Fact // mean loss saved per row against the version before, with its error in Text
	Helped   bool
	Sentence string
}

// beliefWeight is how many kept or broken promises the first belief counts as.
const beliefWeight = 2

// watched judges the promise under watch when its horizon is over. It lowers or raises the belief in what retrains
// promise.
func watched(st *trimtab.PolicyState, e Evidence, c Costs) *Verdict {
	if st.Watch == nil || float64(st.Windows) < c.Horizon {
		return nil
	}
	return judge(st)
}

// judge closes the watch. It returns nil when nothing is watched or nothing was measured.
func judge(st *trimtab.PolicyState) *Verdict {
	w := st.Watch
	if w == nil {
		return nil
	}
	st.Watch = nil
	all := spans(st.Gains[Cure{trimtab.DoPromoteOlder, w.Previous}.Name()])
	if len(all) == 0 {
		return nil
	}
	back := all[len(all)-1] // what going back would have saved
	mean, se := -back.mean, back.stderr
	v := &Verdict{Decision: w.Decision, Realised: trimtab.Fact{Name: "realised", Value: mean, Text: "± " + number(se)}}
	v.Helped = mean > 0 && (math.IsInf(se, 1) || mean >= se)
	if w.Action == trimtab.DoRetrain && w.Promised > 0 {
		ratio := min(max(mean/w.Promised, 0), 2)
		st.Believe = (beliefWeight*st.Believe + ratio) / (beliefWeight + 1)
	}
	how := "helped"
	if !v.Helped {
		how = "did not help"
	}
	v.Sentence = fmt.Sprintf("it %s: in %s it saved %s ± %s of loss per row against version %d, promised were %s",
		how, windows(back.windows), signed(mean), number(se), w.Previous, signed(w.Promised))
	return v
}
