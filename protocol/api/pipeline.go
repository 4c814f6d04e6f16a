package api

import (
	"context"
	"io"
	"net/http"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/pipeline"
	"github.com/trimtab/trimtab/lifecycle/view"
	"github.com/trimtab/trimtab/protocol/route"
)

// PipelineRunIn names a pipeline run.
type PipelineRunIn struct {
	ProjectIn
	ID string `path:"id" example:"pr-0123456789abcdef"`
}

type reasonBody struct {
	Reason string `json:"reason,omitempty" maxLength:"1000"`
}

func (t *table) pipelines() {
	add(t, operation{id: "startPipelineRun", method: "POST", path: "/pipelineruns", summary: "Start a pipeline", auth: route.Writer, status: http.StatusCreated},
		func(ctx context.Context, in *struct {
			ProjectIn
			Body view.StartRun
		}) (view.PipelineRun, error) {
			if t.cfg.Engine == nil {
				return view.PipelineRun{}, absent("pipeline engine")
			}
			b := in.Body
			run, err := t.cfg.Engine.Start(ctx, b.Pipeline, pipeline.StartOptions{Params: b.Params, Cache: b.Cache, Cause: b.Cause})
			return view.OfPipelineRun(run), err
		})
	add(t, operation{id: "listPipelineRuns", method: "GET", path: "/pipelineruns", summary: "List pipeline runs, newest first", auth: route.Reader},
		func(ctx context.Context, in *struct {
			ProjectIn
			PageIn
			Pipeline string `query:"pipeline" doc:"Only runs of this pipeline."`
		}) (view.List[view.PipelineRun], error) {
			out := view.List[view.PipelineRun]{Items: []view.PipelineRun{}}
			if t.cfg.PipelineRuns == nil {
				return out, absent("pipeline engine")
			}
			runs, next, err := t.cfg.PipelineRuns.ListRuns(ctx, in.Pipeline, in.Limit, trimtab.PageToken(in.After))
			for _, r := range runs {
				out.Items = append(out.Items, view.OfPipelineRun(r))
			}
			out.Next = next
			return out, err
		})
	add(t, operation{id: "getPipelineRun", method: "GET", path: "/pipelineruns/{id}", summary: "Show a pipeline run with steps and attempts", auth: route.Reader},
		func(ctx context.Context, in *PipelineRunIn) (view.PipelineRun, error) {
			return t.pipelineRun(ctx, trimtab.PipelineRunID(in.ID), true)
		})
	add(t, operation{id: "cancelPipelineRun", method: "POST", path: "/pipelineruns/{id}/cancel", summary: "Cancel a pipeline run", auth: route.Writer},
		func(ctx context.Context, in *struct {
			PipelineRunIn
			Body reasonBody
		}) (view.PipelineRun, error) {
			if t.cfg.Engine == nil {
				return view.PipelineRun{}, absent("pipeline engine")
			}
			id := trimtab.PipelineRunID(in.ID)
			if _, err := t.cfg.Engine.Cancel(ctx, id, in.Body.Reason); err != nil {
				return view.PipelineRun{}, err
			}
			return t.pipelineRun(ctx, id, false)
		})
	add(t, operation{id: "explainPipelineRun", method: "GET", path: "/pipelineruns/{id}/explain", summary: "Say why each step ran or came from the cache", auth: route.Reader},
		func(ctx context.Context, in *PipelineRunIn) (view.List[view.Explanation], error) {
			if t.cfg.Engine == nil {
				return view.List[view.Explanation]{}, absent("pipeline engine")
			}
			out := view.List[view.Explanation]{Items: []view.Explanation{}}
			run, err := t.pipelineRun(ctx, trimtab.PipelineRunID(in.ID), false)
			if err != nil {
				return out, err
			}
			for _, s := range run.Steps {
				x, err := t.cfg.Engine.Explain(ctx, run.ID, s.Name)
				if err != nil {
					return out, err
				}
				v := view.Explanation{Step: x.Step, State: x.State, Text: x.Text, Key: x.Key, CachedOf: x.CachedOf, Against: x.Against}
				for _, d := range x.Differs {
					v.Differs = append(v.Differs, view.Difference{Part: d.Part, Then: d.Then, Now: d.Now})
				}
				out.Items = append(out.Items, v)
			}
			return out, nil
		})
	stream(t, operation{id: "stepLogs", method: "GET", path: "/pipelineruns/{id}/steps/{step}/logs", summary: "Read what a step printed", auth: route.Reader, content: "text/plain"},
		func(ctx context.Context, in *struct {
			PipelineRunIn
			Step    string `path:"step"`
			Attempt int    `query:"attempt" minimum:"0" doc:"The number of the attempt; the newest without one."`
			Follow  bool   `query:"follow" doc:"Go on until the attempt has ended."`
		}, w http.ResponseWriter, _ *http.Request) error {
			if t.cfg.Engine == nil {
				return absent("pipeline engine")
			}
			logs, err := t.cfg.Engine.Logs(ctx, trimtab.PipelineRunID(in.ID), in.Step, in.Attempt, in.Follow)
			if err != nil {
				return err
			}
			defer logs.Close()
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			return copyLive(w, logs)
		})
}

// copyLive copies and flushes after every read, so that a line is seen when it is printed.
func copyLive(w http.ResponseWriter, r io.Reader) error {
	flush := http.NewResponseController(w)
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, werr := w.Write(buf[:n]); werr != nil {
				return nil // the reader has gone
			}
			_ = flush.Flush()
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (t *table) pipelineRun(ctx context.Context, id trimtab.PipelineRunID, attempts bool) (view.PipelineRun, error) {
	if t.cfg.PipelineRuns == nil {
		return view.PipelineRun{}, absent("pipeline engine")
	}
	run, err := t.cfg.PipelineRuns.GetRun(ctx, id)
	if err != nil {
		return view.PipelineRun{}, err
	}
	v := view.OfPipelineRun(run)
	for i := range v.Steps {
		if attempts && v.Steps[i].Attempt > 0 {
			if v.Steps[i].Attempts, err = t.cfg.PipelineRuns.Attempts(ctx, id, v.Steps[i].Name); err != nil {
				return v, err
			}
		}
	}
	return v, nil
}
