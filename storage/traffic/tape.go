package traffic

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/trimtab/trimtab"
)

// tape is one of the two logs of an endpoint: a row of pieces of which the last
// may be open.
type tape struct {
	dir      string
	kind     kind
	endpoint Endpoint
	cfg      *Config

	// mu guards all below and the pieces.
	mu     sync.Mutex
	pieces []*piece // oldest first; the slice is replaced, never changed in place
	open   *piece   // the last of pieces, nil when none is open
	next   int      // number of the next piece
	broken error    // an fsync or a repair failed: nothing more is written
	buf    []byte
}

// openTape reads what is in dir, which need not exist.
func openTape(dir string, k kind, ep Endpoint, cfg *Config) (_ *tape, cut int64, err error) {
	t := &tape{dir: dir, kind: k, endpoint: ep, cfg: cfg, next: 1}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, 0, err
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, 0, err
	}
	has := map[string]bool{}
	var ids []string
	for _, f := range files {
		name := f.Name()
		if strings.HasSuffix(name, ".tmp") {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return nil, 0, err
			}
			continue
		}
		has[name] = true
		id, ext, _ := strings.Cut(name, ".")
		n, err := strconv.Atoi(id)
		if err != nil || len(id) != 8 || (ext != "log" && ext != "json" && ext != "parquet") {
			continue
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
		t.next = max(t.next, n+1)
	}
	slices.Sort(ids)
	for i, id := range ids {
		var p *piece
		if !has[id+".json"] && !has[id+".log"] {
			return nil, cut, fmt.Errorf("%s: segment %s has rows, but its %s.json is gone: bring it back, or move the segment away", dir, id, id)
		}
		if has[id+".json"] {
			if p, err = openSealed(dir, k, id, cfg.Log); err != nil {
				return nil, cut, err
			}
			if has[id+".log"] { // the process died between the seal and the removal
				if err := os.Remove(filepath.Join(dir, id+".log")); err != nil {
					return nil, cut, err
				}
			}
		} else {
			var n int64
			if p, n, err = openPiece(dir, k, id, cfg.Log); err != nil {
				return nil, cut, err
			}
			cut += n
			// An older program would take a frame of this version for damage and cut it off:
			// to a log of its version nothing is appended any more.
			if i == len(ids)-1 && p.version == rowsVersion {
				t.open = p
			}
		}
		t.pieces = append(t.pieces, p)
	}
	return t, cut, nil
}

func (t *tape) close() error {
	t.mu.Lock()
	pieces := t.pieces
	if t.broken == nil {
		t.broken = trimtab.Errorf(trimtab.Unavailable, "endpoint "+t.endpoint.Name, "the traffic log is closed")
	}
	t.mu.Unlock()
	var errs []error
	for _, p := range pieces {
		if p.sealed != nil {
			errs = append(errs, p.sealed.index.file.Close())
			continue
		}
		t.mu.Lock()
		size := p.size
		t.mu.Unlock()
		errs = append(errs, p.sync(t, size), p.release())
	}
	return errors.Join(errs...)
}

// writable returns the open piece, making one when there is none. t.mu is held.
func (t *tape) writable() (*piece, error) {
	if t.broken != nil {
		return nil, &trimtab.Error{Kind: trimtab.Unavailable, Subject: "endpoint " + t.endpoint.Name, Err: t.broken,
			Msg: fmt.Sprintf("the %s of endpoint %s cannot be logged: the disk failed; start the server again once it is sound", t.kind, t.endpoint.Name)}
	}
	if t.open != nil {
		return t.open, nil
	}
	p, err := createPiece(t.dir, t.kind, fmt.Sprintf("%08d", t.next), t.cfg.Clock())
	if err != nil {
		return nil, t.unwritable(err)
	}
	t.next++
	t.open = p
	t.pieces = append(slices.Clip(t.pieces), p)
	return p, nil
}

func (t *tape) unwritable(err error) error {
	return &trimtab.Error{Op: "traffic", Kind: trimtab.Unavailable, Subject: "endpoint " + t.endpoint.Name, Err: err,
		Msg: fmt.Sprintf("the %s of endpoint %s cannot be logged: the disk refused the write", t.kind, t.endpoint.Name)}
}

// append writes bytes to the open piece; what was written in part is taken back. t.mu is held.
func (t *tape) append(p *piece, b []byte) error {
	if _, err := p.file.Write(b); err != nil {
		if e := p.file.Truncate(p.size); e != nil {
			t.broken = errors.Join(err, e)
		} else if _, e := p.file.Seek(p.size, 0); e != nil {
			t.broken = errors.Join(err, e)
		}
		return t.unwritable(err)
	}
	p.size += int64(len(b))
	return nil
}

// time returns the event time of a logged prediction. t.mu is held.
func (t *tape) time(k key) (at trimtab.Time, ok bool, err error) {
	for _, p := range slices.Backward(t.pieces) {
		if p.sealed != nil {
			if at, ok, err = p.sealed.index.time(k); ok || err != nil {
				return at, ok, err
			}
			continue
		}
		if at, ok := p.index.times[k]; ok {
			return at, true, nil
		}
	}
	return 0, false, nil
}

// labelsOf calls visit with the labels of k, the newest first, until it returns false. t.mu is held.
func (t *tape) labelsOf(k key, visit func(known) bool) error {
	for _, p := range slices.Backward(t.pieces) {
		if p.sealed == nil {
			if !p.index.labelsOf(k, visit) {
				return nil
			}
			continue
		}
		more, err := p.sealed.index.labelsOf(k, visit)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// full reports whether the open piece is to be frozen. t.mu is held.
func (t *tape) full(p *piece, now trimtab.Time) bool {
	return p.rows >= t.cfg.SealRows || p.size >= t.cfg.SealBytes || (p.rows > 0 && now.Sub(p.created) >= t.cfg.SealAge)
}

// freeze ends the open piece, so that the next write begins another one. t.mu is held.
func (t *tape) freeze() { t.open = nil }
