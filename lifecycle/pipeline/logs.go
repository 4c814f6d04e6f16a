package pipeline

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/trimtab/trimtab"
)

// LogOptions choose what of a step's log is read.
type LogOptions struct {
	Attempt int   // 0 = the newest
	Offset  int64 // bytes to leave out
	Follow  bool  // wait for more until the attempt has ended
}

// Logs reads what an attempt of a step (0: the newest) printed, from the
// beginning; see LogsFrom.
func (e *Engine) Logs(ctx context.Context, id trimtab.PipelineRunID, step string, attempt int, follow bool) (io.ReadCloser, error) {
	return e.LogsFrom(ctx, id, step, LogOptions{Attempt: attempt, Follow: follow})
}

// LogsFrom reads what a step printed: raw bytes, the caller closes. Following, it
// waits for the step to begin and ends once the attempt has; a read that waits
// ends with ctx. A step without a process of its own has one line, that of its
// result. An attempt that printed nothing reads as empty; an unknown run, step or
// attempt is NotFound.
func (e *Engine) LogsFrom(ctx context.Context, id trimtab.PipelineRunID, step string, opt LogOptions) (_ io.ReadCloser, err error) {
	defer trimtab.Wrap(&err, "pipeline.LogsFrom(%s, %s)", id, step)
	r := &logReader{ctx: ctx, engine: e, run: id, step: step, LogOptions: opt}
	if _, err := r.ended(); err != nil {
		return nil, err
	}
	return r, nil
}

type logReader struct {
	LogOptions
	ctx    context.Context // of the one request that reads
	engine *Engine
	run    trimtab.PipelineRunID
	step   string

	log  io.ReadSeekCloser
	text *strings.Reader // instead of log, for steps without a process
	last bool            // the attempt has ended: what is there is all
}

// ended looks at the step: whether its attempt will print no more.
func (r *logReader) ended() (bool, error) {
	run, err := r.engine.cfg.Store.GetRun(r.ctx, r.run)
	if err != nil {
		return false, err
	}
	s, err := stepOf(run, r.step)
	if err != nil {
		return false, err
	}
	if r.Attempt < 0 || r.Attempt > s.Attempt && (s.State.Ended() || !r.Follow) && r.Attempt > 0 {
		return false, trimtab.Errorf(trimtab.NotFound, s.Object().String(), "step %s of pipeline run %s has no attempt %d; the newest is %d", r.step, r.run, r.Attempt, s.Attempt)
	}
	if r.Attempt == 0 && s.Attempt > 0 {
		r.Attempt = s.Attempt
	}
	switch {
	case s.Attempt == 0: // none has begun
		if s.State.Ended() && r.text == nil {
			r.text = strings.NewReader(line(s.Reason))
		}
		return s.State.Ended(), nil
	case s.Attempt > r.Attempt:
		return true, nil
	}
	live := s.State == trimtab.StepStarting || s.State == trimtab.StepRunning
	if s.State.Ended() && r.log == nil && r.text == nil {
		r.text = strings.NewReader(line(s.Reason))
	}
	return !live, nil
}

func line(s string) string {
	if s == "" {
		return ""
	}
	return s + "\n"
}

// Read implements io.Reader.
func (r *logReader) Read(p []byte) (int, error) {
	for {
		if n, err := r.more(p); n > 0 || err != nil {
			return n, err
		}
		if r.last || !r.Follow {
			return r.rest(p)
		}
		ended, err := r.ended()
		if err != nil {
			return 0, err
		}
		if r.last = ended; ended {
			continue // what was printed meanwhile
		}
		t := time.NewTimer(200 * time.Millisecond)
		select {
		case <-r.ctx.Done():
			t.Stop()
			return 0, r.ctx.Err()
		case <-t.C:
		}
	}
}

// more reads what the log has beyond the offset; 0, nil at its present end.
func (r *logReader) more(p []byte) (int, error) {
	if r.log == nil && r.Attempt > 0 {
		log, err := r.engine.cfg.Executor.Log(r.ctx, trimtab.NewAttemptID(r.run, r.step, r.Attempt))
		if trimtab.IsKind(err, trimtab.NotFound) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		if _, err := log.Seek(r.Offset, io.SeekStart); err != nil {
			log.Close()
			return 0, err
		}
		r.log = log
	}
	if r.log == nil {
		return 0, nil
	}
	n, err := r.log.Read(p)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return n, err
}

// rest reads the line of a step without a log, then ends.
func (r *logReader) rest(p []byte) (int, error) {
	if r.log == nil && r.text != nil {
		if r.Offset > 0 {
			n, err := r.text.Seek(min(r.Offset, r.text.Size()), io.SeekStart)
			if err != nil || n < 0 {
				return 0, err
			}
			r.Offset = 0
		}
		return r.text.Read(p)
	}
	return 0, io.EOF
}

// Close implements io.Closer.
func (r *logReader) Close() error {
	if r.log == nil {
		return nil
	}
	return r.log.Close()
}
