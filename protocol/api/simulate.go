package api

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/retrain"
	"github.com/trimtab/trimtab/protocol/route"
)

// Simulator replays recorded windows through a policy; it changes nothing.
type Simulator interface {
	Replay(ctx context.Context, q retrain.Replay, progress func(done, of int)) (retrain.Replayed, error)
}

// simulateBody asks for a replay.
type simulateBody struct {
	Policy  string          `json:"policy" doc:"Its name."`
	Spec    json.RawMessage `json:"spec" doc:"The spec of a RetrainPolicy; it need not be declared."`
	Monitor string          `json:"monitor,omitempty" doc:"Whose windows; without it the policy's own."`
	Since   string          `json:"since" doc:"Windows from here on."`
	Until   string          `json:"until,omitempty" doc:"Windows that end by then."`
}

// SimulateLine is one line of the answer: how far it has come, at last the result, or why there is none.
type SimulateLine struct {
	Done   int               `json:"done,omitempty"`
	Of     int               `json:"of,omitempty"`
	Result *retrain.Replayed `json:"result,omitempty"`
	Kind   string            `json:"kind,omitempty"` // of the error
	Error  string            `json:"error,omitempty"`
}

func (t *table) simulations() {
	stream(t, operation{id: "simulateRetrain", method: "POST", path: "/retrain/simulate", summary: "Replay recorded windows through a policy: one JSON object a line, progress and at last the result",
		auth: route.Writer, content: "application/x-ndjson"},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body simulateBody
		}, w http.ResponseWriter, _ *http.Request) error {
			if t.cfg.Simulator == nil {
				return absent("policies")
			}
			since, until, err := times(in.Body.Since, in.Body.Until)
			if err != nil {
				return err
			}
			control := http.NewResponseController(w)
			begun := false
			write := func(l SimulateLine) {
				if !begun {
					w.Header().Set("Content-Type", "application/x-ndjson")
					begun = true
				}
				_ = json.NewEncoder(w).Encode(l) // who has gone away is told nothing
				_ = control.Flush()
			}
			out, err := t.cfg.Simulator.Replay(ctx, retrain.Replay{Policy: in.Body.Policy, Spec: in.Body.Spec, Monitor: in.Body.Monitor, Since: since, Until: until},
				func(done, of int) { write(SimulateLine{Done: done, Of: of}) })
			switch {
			case err != nil && !begun:
				return err
			case err != nil && trimtab.KindOf(err) == trimtab.Internal:
				return err // cuts the connection; the text stays here
			case err != nil:
				write(SimulateLine{Kind: trimtab.KindOf(err).String(), Error: trimtab.Message(err)})
			default:
				write(SimulateLine{Result: &out})
			}
			return nil
		})
}
