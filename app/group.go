package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// group runs long-lived things: the first that returns ends all, in the reverse
// order of their start, each after the ones started later have returned.
type group struct {
	actors []actor
}

type actor struct {
	name string
	run  func(context.Context) error
}

// add appends an actor. run returns when its context ends, after draining.
func (g *group) add(name string, run func(context.Context) error) {
	g.actors = append(g.actors, actor{name, run})
}

// run starts every actor and waits for all.
func (g *group) run(ctx context.Context) error {
	type end struct {
		i   int
		err error
	}
	ends := make(chan end, len(g.actors))
	cancels := make([]context.CancelFunc, len(g.actors))
	done := make([]chan struct{}, len(g.actors))
	for i, a := range g.actors {
		actx, cancel := context.WithCancel(context.WithoutCancel(ctx))
		cancels[i], done[i] = cancel, make(chan struct{})
		go func() {
			defer close(done[i])
			ends <- end{i, a.protect(actx)}
		}()
	}
	var all []error
	select {
	case e := <-ends:
		if e.err != nil {
			all = append(all, fmt.Errorf("%s: %w", g.actors[e.i].name, e.err))
		}
	case <-ctx.Done():
	}
	for i := len(g.actors) - 1; i >= 0; i-- {
		cancels[i]()
		<-done[i]
	}
	for len(ends) > 0 {
		if e := <-ends; e.err != nil && !errors.Is(e.err, context.Canceled) {
			all = append(all, fmt.Errorf("%s: %w", g.actors[e.i].name, e.err))
		}
	}
	return errors.Join(all...)
}

func (a actor) protect(ctx context.Context) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return a.run(ctx)
}
