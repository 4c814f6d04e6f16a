package control

import (
	"context"
	"time"
)

// Follow runs the controller until ctx ends, and calls resync at once and then
// after every so long: it adds the keys that there are, so that a lost wake-up
// costs time and nothing else. A resync that fails is logged and tried again.
func (c *Controller) Follow(ctx context.Context, every time.Duration, resync func(context.Context) error) error {
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := resync(ctx); err != nil && ctx.Err() == nil {
			c.cfg.Log.WarnContext(ctx, "what is to be reconciled cannot be listed", "controller", c.cfg.Name, "error", err)
		}
		select {
		case err := <-done:
			return err
		case <-tick.C:
		}
	}
}
