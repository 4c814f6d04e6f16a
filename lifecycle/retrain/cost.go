package retrain

import (
	"math"
	"time"

	"github.com/trimtab/trimtab"
)

// Defaults of a RetrainPolicySpec, in the words of its fields.
const (
	DefaultHorizon      = 8 // windows
	DefaultMinGain      = 0.01
	DefaultMinRows      = 1000
	DefaultMinPositives = 50
	DefaultFailures     = 3
	DefaultKeep         = 8
	DefaultPer          = 30 * 24 * time.Hour
)

// Costs are the prices of the cures and the worth of a unit of loss, in one currency: money, or summed loss.
type Costs struct {
	Unit        string // the currency, or "loss"
	PerLoss     float64
	Retrain     float64
	Recalibrate float64
	Promote     float64 // of an older version, and of a roll back
	Reject      float64
	Horizon     float64 // in windows
}

// CostsOf resolves the costs of a policy for windows of a length, of so many rows and a mean loss of what is served.
// Without a price of a retrain it costs what MinGain of the loss over the horizon is worth.
func CostsOf(spec trimtab.RetrainPolicySpec, window time.Duration, rows, loss float64) Costs {
	c := Costs{Unit: spec.Costs.Currency, PerLoss: spec.Costs.PerLoss, Horizon: DefaultHorizon}
	if c.Unit == "" {
		c.Unit = "loss"
	}
	if c.PerLoss <= 0 || spec.Costs.Currency == "" {
		c.PerLoss = 1
	}
	if spec.Horizon > 0 && window > 0 {
		c.Horizon = float64(spec.Horizon) / float64(window)
	}
	c.Retrain = spec.Costs.Retrain
	if c.Retrain <= 0 {
		least := spec.Costs.MinGain
		if least <= 0 {
			least = DefaultMinGain
		}
		c.Retrain = least * math.Abs(loss) * rows * c.Horizon * c.PerLoss
		if math.IsNaN(c.Retrain) {
			c.Retrain = math.Inf(1) // nothing is known of the loss: nothing is worth it
		}
	}
	c.Recalibrate = spec.Costs.Recalibrate
	if c.Recalibrate <= 0 {
		c.Recalibrate = c.Retrain / 10
	}
	c.Promote = c.Recalibrate
	c.Reject = spec.Costs.Reject
	if c.Reject <= 0 {
		c.Reject = c.Retrain / 5
	}
	return c
}

// Of is the price of a cure.
func (c Costs) Of(a trimtab.Action) float64 {
	switch a {
	case trimtab.DoRetrain:
		return c.Retrain
	case trimtab.DoRecalibrate:
		return c.Recalibrate
	case trimtab.DoPromoteOlder, trimtab.DoRollBack:
		return c.Promote
	}
	return 0
}
