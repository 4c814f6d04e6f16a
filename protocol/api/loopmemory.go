package api

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/trimtab/trimtab"
	"github.com/trimtab/trimtab/lifecycle/view"
)

// RecentWindows reads the newest windows of a monitor that start before a moment (0:
// all), at most limit, in order of time. Windows that can do so are read in pieces.
type RecentWindows interface {
	Recent(ctx context.Context, monitor string, before trimtab.Time, limit int) ([]trimtab.WindowResult, error)
}

// SlimWindows reads windows as far as pages show them, the newest first, that start
// before a moment (0: all), at most limit (0: all). The drift of a window is valid
// until take returns. Windows that can do so are read in this way.
type SlimWindows interface {
	EachSlim(ctx context.Context, monitor string, before trimtab.Time, limit int, take func(trimtab.WindowResult)) error
}

// newestOf are the newest windows of a monitor in order of time, as far as pages show them.
func newestOf(ctx context.Context, from RecentWindows, monitor string, before trimtab.Time, limit int) (out []trimtab.WindowResult, err error) {
	slim, ok := from.(SlimWindows)
	if !ok {
		return from.Recent(ctx, monitor, before, limit)
	}
	err = slim.EachSlim(ctx, monitor, before, limit, func(w trimtab.WindowResult) {
		w.Drift = slices.Clone(w.Drift)
		out = append(out, w)
	})
	slices.Reverse(out)
	return out, err
}

const (
	windowPiece  = 500       // windows that are decoded at once
	maxKept      = 4_000_000 // column-windows that are kept of all monitors together
	changesRead  = 1_000     // journal entries read to find out what changed
	changesTaken = 200       // more changed windows are read anew altogether
)

// loopMemory keeps what the pages need of windows and decisions in little room: a
// year of hours with a hundred columns is 200 MB as it is stored. What is kept is
// brought up to date by the journal, which names every window and decision that
// changed; where it says too much, all is read anew. Safe for concurrent use.
type loopMemory struct {
	mu    sync.Mutex
	kept  map[memoryKey]*monitorMemory
	order []memoryKey // the last used at the end
}

type memoryKey struct {
	ws      trimtab.Workspace
	monitor string
	policy  string
}

// monitorMemory is what is kept of one monitor, and of the policy that decides on it.
type monitorMemory struct {
	mu      sync.Mutex
	known   bool
	index   int64 // the journal up to here is in it
	windows []view.LoopWindow
	columns []string
	place   map[string]int
	cells   int
	acted   map[string]trimtab.Decision   // by id
	borders map[trimtab.Time]trimtab.Time // by window
}

// remembered is a view of it that later changes leave alone.
type remembered struct {
	windows []view.LoopWindow
	columns []string
	acted   []trimtab.Decision
	borders map[trimtab.Time]trimtab.Time
}

// of is what is known of a monitor and a policy ("" for none) at this moment.
func (m *loopMemory) of(ctx context.Context, cfg *Config, monitor, policy string) (remembered, error) {
	key := memoryKey{trimtab.CallOf(ctx).Workspace, monitor, policy}
	m.mu.Lock()
	if m.kept == nil {
		m.kept = map[memoryKey]*monitorMemory{}
	}
	k := m.kept[key]
	if k == nil {
		k = &monitorMemory{}
		m.kept[key] = k
	}
	m.order = append(slices.DeleteFunc(m.order, func(o memoryKey) bool { return o == key }), key)
	m.mu.Unlock()

	k.mu.Lock()
	out, err := k.now(ctx, cfg, monitor, policy)
	k.mu.Unlock()
	m.bound(key)
	return out, err
}

// bound forgets what was used longest ago when too much is kept.
func (m *loopMemory) bound(used memoryKey) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sum := 0
	for _, key := range slices.Backward(slices.Clone(m.order)) {
		k := m.kept[key]
		if !k.mu.TryLock() {
			continue // it is being read: it counts next time
		}
		sum += k.cells + 50*len(k.windows)
		k.mu.Unlock()
		if sum > maxKept && key != used {
			delete(m.kept, key)
			m.order = slices.DeleteFunc(m.order, func(o memoryKey) bool { return o == key })
		}
	}
}

func (k *monitorMemory) now(ctx context.Context, cfg *Config, monitor, policy string) (remembered, error) {
	changed, index, ok := []trimtab.Object(nil), int64(0), false
	if _, inPieces := cfg.Windows.(RecentWindows); k.known && inPieces {
		var err error
		if changed, index, ok, err = changesSince(ctx, cfg.Journal, k.index, monitor, policy); err != nil {
			return remembered{}, err
		}
	}
	if !ok {
		newest, err := cfg.Journal.Newest(ctx, 0, 1)
		if err != nil {
			return remembered{}, err
		}
		k.known = false
		if err := k.read(ctx, cfg, monitor, policy); err != nil {
			return remembered{}, err
		}
		k.known, k.index = true, 0
		if len(newest) > 0 {
			k.index = newest[0].Index
		}
		return k.view(), nil
	}
	for _, o := range changed {
		if err := k.again(ctx, cfg, monitor, o); err != nil {
			k.known = false
			return remembered{}, err
		}
	}
	k.index = index
	return k.view(), nil
}

func (k *monitorMemory) view() remembered {
	out := remembered{windows: slices.Clone(k.windows), columns: slices.Clone(k.columns), borders: make(map[trimtab.Time]trimtab.Time, len(k.borders))}
	for w, b := range k.borders {
		out.borders[w] = b
	}
	for _, d := range k.acted {
		out.acted = append(out.acted, d)
	}
	slices.SortFunc(out.acted, func(a, b trimtab.Decision) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// read reads all windows and decisions.
func (k *monitorMemory) read(ctx context.Context, cfg *Config, monitor, policy string) error {
	k.windows, k.columns, k.place, k.cells = nil, nil, map[string]int{}, 0
	k.acted, k.borders = map[string]trimtab.Decision{}, map[trimtab.Time]trimtab.Time{}
	if err := k.readWindows(ctx, cfg, monitor); err != nil {
		return err
	}
	slices.SortFunc(k.windows, func(a, b view.LoopWindow) int { return cmp.Compare(a.Start, b.Start) })
	if policy == "" || cfg.Loop.Decisions == nil {
		return nil
	}
	for to := trimtab.Time(0); ; {
		piece, err := cfg.Loop.Decisions.List(ctx, trimtab.DocumentQuery{Scope: policy, To: to, Limit: windowPiece})
		if err != nil {
			return err
		}
		for _, d := range piece {
			k.take(d)
		}
		if len(piece) < windowPiece || piece[len(piece)-1].At == to {
			return nil
		}
		to = piece[len(piece)-1].At // of one policy there is one decision at a border
	}
}

// readWindows reads all windows, in any order.
func (k *monitorMemory) readWindows(ctx context.Context, cfg *Config, monitor string) error {
	if all, ok := cfg.Windows.(SlimWindows); ok {
		return all.EachSlim(ctx, monitor, 0, 0, func(w trimtab.WindowResult) { k.windows = append(k.windows, k.slim(w)) })
	}
	recent, inPieces := cfg.Windows.(RecentWindows)
	for before := trimtab.Time(0); ; {
		var piece []trimtab.WindowResult
		var err error
		if inPieces {
			piece, err = recent.Recent(ctx, monitor, before, windowPiece)
		} else {
			piece, err = cfg.Windows.List(ctx, monitor)
		}
		if err != nil {
			return err
		}
		slim := make([]view.LoopWindow, 0, len(piece))
		for _, w := range piece {
			slim = append(slim, k.slim(w))
		}
		slices.Reverse(slim)
		k.windows = append(k.windows, slim...) // the newest first while it is read
		if !inPieces || len(piece) < windowPiece {
			return nil
		}
		before = piece[0].Start
	}
}

func (k *monitorMemory) slim(w trimtab.WindowResult) view.LoopWindow {
	s := view.SlimWindow(w, &k.columns, k.place)
	k.cells += len(s.Moves)
	return s
}

func (k *monitorMemory) take(d trimtab.Decision) {
	if d.Action != trimtab.DoNothing {
		k.acted[d.ID] = d
	}
	if b := k.borders[d.Window]; b == 0 || d.At < b || d.Action != trimtab.DoNothing {
		k.borders[d.Window] = d.At
	}
}

// again reads one window or decision that has changed.
func (k *monitorMemory) again(ctx context.Context, cfg *Config, monitor string, o trimtab.Object) error {
	if o.Kind == "decision" {
		d, err := cfg.Loop.Decisions.Get(ctx, o.Name)
		if trimtab.IsKind(err, trimtab.NotFound) {
			return nil
		}
		if err == nil {
			k.take(d)
		}
		return err
	}
	start, err := trimtab.ParseTime(o.Version)
	if err != nil {
		return err
	}
	all, err := newestOf(ctx, cfg.Windows.(RecentWindows), monitor, start+1, 1)
	if err != nil || len(all) == 0 || all[0].Start != start {
		return err
	}
	w := k.slim(all[0])
	i, found := slices.BinarySearchFunc(k.windows, start, func(x view.LoopWindow, t trimtab.Time) int { return cmp.Compare(x.Start, t) })
	if found {
		k.cells -= len(k.windows[i].Moves)
		k.windows[i] = w
	} else {
		k.windows = slices.Insert(k.windows, i, w)
	}
	return nil
}

// changesSince are the windows of a monitor and the decisions of a policy that the
// journal names after an entry, and its newest entry. ok is false when that cannot be
// told without reading too much.
func changesSince(ctx context.Context, journal Journal, index int64, monitor, policy string) (changed []trimtab.Object, newest int64, ok bool, err error) {
	newest = index
	seen := map[trimtab.Object]bool{}
	for before, limit, read := int64(0), 50, 0; read < changesRead; limit = changesRead - read {
		entries, err := journal.Newest(ctx, before, limit)
		if err != nil {
			return nil, 0, false, err
		}
		read += len(entries)
		for _, e := range entries {
			if e.Index <= index {
				return changed, newest, len(changed) <= changesTaken, nil
			}
			newest = max(newest, e.Index)
			window := e.Object.Kind == "window" && e.Object.Name == monitor
			decision := policy != "" && e.Object.Kind == "decision" && len(e.Object.Name) > len(policy) && e.Object.Name[:len(policy)+1] == policy+"@"
			if (window || decision) && !seen[e.Object] {
				seen[e.Object] = true
				changed = append(changed, e.Object)
			}
		}
		if len(entries) < limit {
			return changed, newest, len(changed) <= changesTaken, nil
		}
		before = entries[len(entries)-1].Index
	}
	return nil, 0, false, nil
}
